/* The board: starts its parts, then runs the core's turns forever. */
#include <avr/interrupt.h>
#include <avr/sleep.h>
#include <avr/wdt.h>

#include "board_config.h"
#include "hal.h"
#include "parts.h"
#include "turn.h"

static const struct core_fitted FITTED = {
    .lids = BOARD_LIDS,
    .wiegand_readers = BOARD_WIEGAND_READERS,
    .serial_readers = BOARD_SERIAL_READERS,
    .sensors = {BOARD_WEIGHTS, BOARD_LEVELS, BOARD_HAS_SMOKE, BOARD_HAS_TEMPERATURE, BOARD_HAS_DOOR,
                BOARD_HAS_PANIC, BOARD_HAS_SUPPLY}};

static struct core core;

uint32_t hal_now_ms(void)
{
    return ticks_ms();
}

bool hal_receive(uint8_t *byte)
{
    return uart_take(byte);
}

size_t hal_send_room(void)
{
    return uart_room();
}

void hal_send(const uint8_t *bytes, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        uart_put(bytes[i]);
    }
}

static bool is_open(uint8_t bit)
{
    return (CONTACTS_PIN & _BV(bit)) != 0;
}

void hal_contacts(struct core_inputs *inputs)
{
    inputs->opened = (uint8_t)~OPENED_PIN;
    inputs->closed = (uint8_t)~CLOSED_PIN;
    inputs->free = (uint8_t)~FREE_PIN;
    inputs->smoke = BOARD_HAS_SMOKE && is_open(SMOKE_BIT);
    inputs->door_open = BOARD_HAS_DOOR && is_open(DOOR_BIT);
    inputs->panic = BOARD_HAS_PANIC && is_open(PANIC_BIT);
}

bool hal_wiegand(uint8_t *reader, bool *bit)
{
    return pulses_take_bit(reader, bit);
}

bool hal_serial(uint8_t *reader, uint8_t *byte)
{
    return uart_take_reader(reader, byte);
}

bool hal_measured(enum sensor_kind *kind, uint8_t *index, int32_t *value)
{
    uint8_t which;
    if (!measured_next(&which, index, value, ticks_ms())) {
        return false;
    }
    *kind = (enum sensor_kind)which;
    return true;
}

void hal_drive(uint8_t lid, enum drive drive)
{
    motors_set(lid, drive);
}

void hal_pet(void)
{
    wdt_reset();
}

static void start(void)
{
    MCUCR = _BV(JTD); /* twice, as required: the scales use JTAG's pins */
    MCUCR = _BV(JTD);
    OPENED_PORT = CLOSED_PORT = FREE_PORT = 0xFF;
    CONTACTS_PORT |= _BV(SMOKE_BIT) | _BV(DOOR_BIT) | _BV(PANIC_BIT);
    ticks_start();
    uart_start();
    pulses_start();
    scales_start();
    analog_start();
    motors_start();
    core_start(&core, &FITTED, boot_id_next(), ticks_ms());
    SMCR = 0; /* idle sleep: all clocks but the processor's go on */
    sei();
    uart_put(0); /* noise from the reset must not become part of the first frame */
}

int main(void)
{
    start();
    for (;;) {
        turn(&core);
        sleep_mode(); /* until the next byte, pulse or millisecond */
    }
}
