/* The board's parts, one file each. */
#ifndef TZ_PARTS_H
#define TZ_PARTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "h_bridge.h"

/* ticks.c: Timer 2 counts milliseconds, Timer 5 half microseconds that wrap after 32 ms. */
void ticks_start(void);
uint32_t ticks_ms(void);

/* uart.c: USART0 to the host at 115,200 baud, receivers of USART2 and USART3 for readers at 9,600. */
extern volatile uint16_t uart_lost;
void uart_start(void);
bool uart_take(uint8_t *byte);
size_t uart_room(void);
void uart_put(uint8_t byte);
bool uart_take_reader(uint8_t *reader, uint8_t *byte);

/* pulses.c: Wiegand on INT0 to INT3, echoes on INT4 and INT5. */
void pulses_start(void);
bool pulses_take_bit(uint8_t *reader, bool *bit);
void pulses_trigger(uint8_t level);
bool pulses_take_echo(uint8_t level, uint16_t *echo_us);

/* scales.c: the HX711s, read together once all have a value. */
void scales_start(void);
/* Read into `bits`; return a bit for each scale that was read, 0 if none had a value. */
uint8_t scales_read(uint32_t *bits, uint32_t now_ms);

/* analog.c: one conversion at a time, without waiting for it. */
void analog_start(void);
bool analog_take(uint8_t *channel, uint16_t *reading, uint32_t now_ms);

/* motors.c: H-bridges, and servos with Timer 1. */
void motors_start(void);
void motors_set(uint8_t lid, enum drive drive);

/* boot_id.c: a count of starts in the EEPROM, never 0. */
uint32_t boot_id_next(void);

/* measured.c: all measured values, one after another. */
bool measured_next(uint8_t *kind, uint8_t *index, int32_t *value, uint32_t now_ms);

#endif
