/* The wiring of the simulated chip's pins: the plant, contacts, readers, voltages. */
#include <math.h>

#include <avr_adc.h>
#include <avr_ioport.h>
#include <sim_io.h>

#include "board.h"

enum {
    WIEGAND_PULSE_US = 50, /* a pulse's usual length */
    SERVO_MIDDLE_US = 1500,
    SERVO_LIDS = 0xC0, /* as in board_config.h */
    SUPPLY_MV = 5000
};

avr_irq_t *wires_pin(struct sim_board *board, char port, uint8_t bit)
{
    return avr_io_getirq(board->avr, (uint32_t)AVR_IOCTL_IOPORT_GETIRQ(port), bit);
}

static int index_of(char port)
{
    return port - 'A';
}

static void tell_external(struct sim_board *board, char port)
{
    avr_ioport_external_t external = {
        .name = (unsigned char)port & 0x7FU, .mask = 0xFF, .value = board->external[index_of(port)]};
    avr_ioctl(board->avr, (uint32_t)AVR_IOCTL_IOPORT_SET_EXTERNAL(port), &external);
}

void wires_set(struct sim_board *board, char port, uint8_t bit, bool level)
{
    uint8_t *levels = &board->external[index_of(port)];
    uint8_t changed = (uint8_t)(level ? *levels | (1U << bit) : *levels & ~(1U << bit));
    if (changed != *levels) {
        *levels = changed;
        tell_external(board, port);
        avr_raise_irq(wires_pin(board, port, bit), level);
    }
}

static void set_port(struct sim_board *board, char port, uint8_t levels)
{
    for (uint8_t bit = 0; bit < 8; bit++) {
        wires_set(board, port, bit, ((levels >> bit) & 1U) != 0);
    }
}

static void servo_pulsed(avr_irq_t *irq, uint32_t value, void *param)
{
    struct sim_board *board = param;
    struct sim_servo *servo = &board->servos[irq->irq & 7U];
    if (value != 0) {
        servo->rose = board->avr->cycle;
    } else {
        servo->pulse_us = (uint32_t)((board->avr->cycle - servo->rose) / (SIM_HZ / 1000000));
    }
}

static avr_cycle_count_t wiegand_rests(struct avr_t *avr, avr_cycle_count_t when, void *param)
{
    struct sim_wiegand *line = param;
    (void)avr;
    (void)when;
    wires_set(line->board, 'D', line->port_bit, true);
    return 0;
}

static void send_bit(struct sim_board *board)
{
    uint8_t reader, bit;
    if (rig_next(&board->rig.wiegand, &reader, &bit)) {
        board->line = (struct sim_wiegand){board, (uint8_t)(2 * reader + bit)};
        wires_set(board, 'D', board->line.port_bit, false);
        avr_cycle_timer_register_usec(board->avr, WIEGAND_PULSE_US, wiegand_rests, &board->line);
    }
}

static void send_byte(struct sim_board *board)
{
    uint8_t reader, byte;
    if (board->rig.serial.count > 0 && board->reader_may_send[board->rig.serial.reader] &&
        rig_next(&board->rig.serial, &reader, &byte)) {
        avr_raise_irq(board->reader_in[reader], byte);
    }
}

static uint32_t ntc_mv(int32_t centi_c)
{
    double kelvin = centi_c / 100.0 + 273.15;
    double ohm = 10000.0 * exp(3950.0 * (1.0 / kelvin - 1.0 / 298.15));
    return (uint32_t)(SUPPLY_MV * ohm / (ohm + 10000.0) + 0.5);
}

static void set_voltages(struct sim_board *board)
{
    avr_irq_t *adc = avr_io_getirq(board->avr, AVR_IOCTL_ADC_GETIRQ, ADC_IRQ_ADC0);
    avr_raise_irq(adc, ntc_mv(board->rig.sensors[SENSOR_TEMPERATURE][0]));
    avr_raise_irq(adc + 1, (uint32_t)board->rig.sensors[SENSOR_SUPPLY][0] / 5U);
}

/* Call after each millisecond: the inputs follow the plant and the rig. */
void wires_sense(struct sim_board *board)
{
    struct core_inputs inputs;
    plant_contacts(&board->rig.plant, &inputs);
    set_port(board, 'L', (uint8_t)~inputs.opened);
    set_port(board, 'K', (uint8_t)~inputs.closed);
    set_port(board, 'B', (uint8_t)~inputs.free);
    wires_set(board, 'G', 1, board->rig.sensors[SENSOR_SMOKE][0] != 0);
    wires_set(board, 'G', 2, board->rig.sensors[SENSOR_DOOR][0] != 0);
    wires_set(board, 'G', 5, board->rig.sensors[SENSOR_PANIC][0] != 0);
    set_voltages(board);
    send_bit(board);
    send_byte(board);
}

static uint8_t driven(struct sim_board *board, char port)
{
    avr_ioport_state_t state;
    avr_ioctl(board->avr, (uint32_t)AVR_IOCTL_IOPORT_GETSTATE(port), &state);
    return (uint8_t)(state.port & state.ddr); /* a bridge's board pulls an undriven input down */
}

static enum drive servo_drive(const struct sim_servo *servo, bool has_supply)
{
    if (!has_supply || servo->pulse_us == 0) {
        return DRIVE_OFF;
    }
    return servo->pulse_us > SERVO_MIDDLE_US ? DRIVE_OPEN : DRIVE_SHUT;
}

/* Set the motors by the pins. */
void wires_drive(struct sim_board *board)
{
    uint8_t opens = driven(board, 'A'), shuts = driven(board, 'C');
    for (uint8_t i = 0; i < LIDS_MOST; i++) {
        bool opening = ((opens >> i) & 1U) != 0, shutting = ((shuts >> i) & 1U) != 0;
        enum drive *drive = &board->rig.plant.lids[i].drive;
        if ((SERVO_LIDS >> i) & 1U) {
            board->servos[i].pulse_us = shutting ? board->servos[i].pulse_us : 0;
            *drive = servo_drive(&board->servos[i], shutting);
            continue;
        }
        board->shot_through = board->shot_through || (opening && shutting);
        *drive = opening ? DRIVE_OPEN : shutting ? DRIVE_SHUT : DRIVE_OFF;
    }
}

/* Raise all wires' levels again: a reset makes the chip forget them, and simavr the timers of pulses. */
void wires_after_reset(struct sim_board *board)
{
    static const char INPUTS[] = "BDEFGHJKL";
    board->external[index_of('D')] = 0xFF;
    board->external[index_of('E')] = 0xCF; /* the echo lines rest low */
    for (const char *port = INPUTS; *port != '\0'; port++) {
        tell_external(board, *port);
        for (uint8_t bit = 0; bit < 8; bit++) {
            bool level = ((board->external[index_of(*port)] >> bit) & 1U) != 0;
            avr_raise_irq(wires_pin(board, *port, bit), !level); /* an unchanged level would not be passed on */
            avr_raise_irq(wires_pin(board, *port, bit), level);
        }
    }
    instruments_after_reset(board);
}

void wires_connect(struct sim_board *board)
{
    for (int port = 0; port < SIM_PORTS; port++) {
        board->external[port] = 0xFF; /* pulled up, or a line in rest */
    }
    wires_after_reset(board);
    instruments_connect(board);
    for (uint8_t lid = 0; lid < LIDS_MOST; lid++) {
        if ((SERVO_LIDS >> lid) & 1U) {
            avr_irq_register_notify(wires_pin(board, 'A', lid), servo_pulsed, board);
        }
    }
}
