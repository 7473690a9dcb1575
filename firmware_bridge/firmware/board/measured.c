#include "measure.h"

#include "board_config.h"
#include "parts.h"
#include "protocol.h"

/* Ultrasonic sensors are triggered in turn, so that none hears another's echo. */
enum { LEVEL_PAUSE_MS = 100 };

static int32_t weights[BOARD_WEIGHTS];
static uint8_t weights_waiting; /* a bit for each weight that was not passed on yet */
static uint8_t level_now;
static uint32_t triggered_ms;

static bool next_weight(uint8_t *index, int32_t *value, uint32_t now_ms)
{
    if (weights_waiting == 0) {
        uint32_t bits[BOARD_WEIGHTS];
        weights_waiting = scales_read(bits, now_ms);
        for (uint8_t i = 0; i < BOARD_WEIGHTS && weights_waiting != 0; i++) {
            weights[i] = measure_hx711(bits[i]);
        }
    }
    for (uint8_t i = 0; i < BOARD_WEIGHTS; i++) {
        if ((weights_waiting & (1U << i)) != 0) {
            weights_waiting = (uint8_t)(weights_waiting & ~(1U << i));
            *index = i;
            *value = weights[i];
            return true;
        }
    }
    return false;
}

static bool next_level(uint8_t *index, int32_t *value, uint32_t now_ms)
{
    uint16_t echo_us;
    if (pulses_take_echo(level_now, &echo_us) && measure_echo(echo_us, value)) {
        *index = level_now;
        return true;
    }
    if ((uint32_t)(now_ms - triggered_ms) >= LEVEL_PAUSE_MS) {
        triggered_ms = now_ms;
        level_now = (uint8_t)((level_now + 1U) % BOARD_LEVELS);
        pulses_trigger(level_now);
    }
    return false;
}

static bool next_analog(uint8_t *kind, int32_t *value, uint32_t now_ms)
{
    uint8_t channel;
    uint16_t reading;
    if (!analog_take(&channel, &reading, now_ms)) {
        return false;
    }
    if (channel == ADC_SUPPLY) {
        *kind = SENSOR_SUPPLY;
        *value = measure_supply(reading);
        return true;
    }
    *kind = SENSOR_TEMPERATURE;
    return measure_ntc(reading, value);
}

bool measured_next(uint8_t *kind, uint8_t *index, int32_t *value, uint32_t now_ms)
{
    *index = 0;
    if (next_analog(kind, value, now_ms)) {
        return true;
    }
    *kind = SENSOR_LEVEL;
    if (next_level(index, value, now_ms)) {
        return true;
    }
    *kind = SENSOR_WEIGHT;
    return next_weight(index, value, now_ms);
}
