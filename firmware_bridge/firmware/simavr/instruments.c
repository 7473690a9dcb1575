/* Scales and ultrasonic sensors on the simulated chip's pins. */
#include "board.h"

enum {
    SCALE_BITS = 24,
    SCALE_PULSES = 25,
    SCALE_PAUSE_US = 100000, /* an HX711 converts ten times a second */
    ECHO_LEAD_US = 450,      /* from the trigger to the echo line's rise */
    ECHO_LEAST_US = 20
};

static avr_cycle_count_t scales_ready(struct avr_t *avr, avr_cycle_count_t when, void *param)
{
    struct sim_board *board = param;
    (void)avr;
    (void)when;
    board->scales.pulses = 0;
    board->scales.is_converting = false;
    for (uint8_t scale = 0; scale < SIM_SCALES; scale++) {
        board->scales.shift[scale] = (uint32_t)board->rig.sensors[SENSOR_WEIGHT][scale] & 0xFFFFFFU;
        wires_set(board, 'F', (uint8_t)(4 + scale), board->rig.silent[SENSOR_WEIGHT][scale]); /* low: ready */
    }
    return 0;
}

static void scales_clocked(avr_irq_t *irq, uint32_t value, void *param)
{
    struct sim_board *board = param;
    struct sim_scales *scales = &board->scales;
    (void)irq;
    if (value == 0 || scales->is_converting) {
        return;
    }
    scales->pulses++;
    for (uint8_t scale = 0; scale < SIM_SCALES; scale++) {
        bool bit = scales->pulses > SCALE_BITS || ((scales->shift[scale] >> (SCALE_BITS - scales->pulses)) & 1U);
        wires_set(board, 'F', (uint8_t)(4 + scale), bit);
    }
    if (scales->pulses == SCALE_PULSES) {
        scales->is_converting = true;
        avr_cycle_timer_register_usec(board->avr, SCALE_PAUSE_US, scales_ready, board);
    }
}

static avr_cycle_count_t echo_falls(struct avr_t *avr, avr_cycle_count_t when, void *param)
{
    struct sim_echo *echo = param;
    (void)avr;
    (void)when;
    wires_set(echo->board, 'E', (uint8_t)(4 + echo->level), false);
    return 0;
}

static avr_cycle_count_t echo_rises(struct avr_t *avr, avr_cycle_count_t when, void *param)
{
    struct sim_echo *echo = param;
    int32_t level_mm = echo->board->rig.sensors[SENSOR_LEVEL][echo->level];
    uint32_t echo_us = level_mm < 0 ? 0 : (uint32_t)((int64_t)level_mm * 2000 / 343);
    (void)when;
    wires_set(echo->board, 'E', (uint8_t)(4 + echo->level), true);
    avr_cycle_timer_register_usec(avr, echo_us < ECHO_LEAST_US ? ECHO_LEAST_US : echo_us, echo_falls, echo);
    return 0;
}

static void triggered(avr_irq_t *irq, uint32_t value, void *param)
{
    struct sim_echo *echo = param;
    (void)irq;
    if (value == 0) {
        avr_cycle_timer_register_usec(echo->board->avr, ECHO_LEAD_US, echo_rises, echo);
    }
}

void instruments_after_reset(struct sim_board *board)
{
    scales_ready(board->avr, 0, board);
}

void instruments_connect(struct sim_board *board)
{
    for (uint8_t level = 0; level < SIM_LEVELS; level++) {
        board->echoes[level] = (struct sim_echo){board, level};
        avr_irq_register_notify(wires_pin(board, 'H', (uint8_t)(3 + level)), triggered, &board->echoes[level]);
    }
    avr_irq_register_notify(wires_pin(board, 'G', 0), scales_clocked, board);
}
