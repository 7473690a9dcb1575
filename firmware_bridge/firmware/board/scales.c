#include <util/atomic.h>
#include <util/delay.h>

#include "board_config.h"
#include "measure.h"
#include "parts.h"

/* The longest wait for a silent scale; then its neighbours are read without it. */
enum { PATIENCE_MS = 500, ALL = (1 << BOARD_WEIGHTS) - 1 };

static uint32_t read_ms;

void scales_start(void)
{
    HX711_CLOCK_DDR |= _BV(HX711_CLOCK_BIT);
    HX711_DATA_PORT |= (uint8_t)(ALL << HX711_DATA_FIRST); /* pulled up: a missing one is never ready */
}

static uint8_t data(void)
{
    return (uint8_t)((HX711_DATA_PIN >> HX711_DATA_FIRST) & ALL);
}

static uint8_t pulse(void)
{
    uint8_t said;
    ATOMIC_BLOCK(ATOMIC_RESTORESTATE) /* a clock high for 60 us switches the HX711 off */
    {
        HX711_CLOCK_PORT |= _BV(HX711_CLOCK_BIT);
        _delay_us(1);
        said = data();
        HX711_CLOCK_PORT &= (uint8_t)~_BV(HX711_CLOCK_BIT);
    }
    _delay_us(1);
    return said;
}

uint8_t scales_read(uint32_t *bits, uint32_t now_ms)
{
    uint8_t ready = (uint8_t)(~data() & ALL);
    if (ready == 0 || (ready != ALL && (uint32_t)(now_ms - read_ms) < PATIENCE_MS)) {
        return 0;
    }
    read_ms = now_ms;
    for (uint8_t scale = 0; scale < BOARD_WEIGHTS; scale++) {
        bits[scale] = 0;
    }
    for (uint8_t bit = 0; bit < HX711_BITS; bit++) {
        uint8_t said = pulse();
        for (uint8_t scale = 0; scale < BOARD_WEIGHTS; scale++) {
            bits[scale] = (bits[scale] << 1) | ((uint8_t)(said >> scale) & 1U);
        }
    }
    for (uint8_t i = 0; i < HX711_GAIN_PULSES; i++) {
        pulse();
    }
    return ready;
}
