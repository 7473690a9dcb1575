/* Collects a Wiegand reader's pulses into messages; a pause ends one. The host checks parity. */
#ifndef TZ_WIEGAND_H
#define TZ_WIEGAND_H

#include <stdbool.h>
#include <stdint.h>

enum {
    WIEGAND_BITS_LEAST = 4, /* fewer bits are noise; a keypad's key has 4 */
    WIEGAND_BITS_MOST = 64,
    WIEGAND_PAUSE_MS = 25 /* readers leave at most 20 ms between two bits of one message */
};

/* Zeroed memory is a reader that has sent nothing. */
struct wiegand {
    uint8_t data[WIEGAND_BITS_MOST / 8]; /* first bit highest */
    uint8_t bits;                        /* WIEGAND_BITS_MOST + 1: too many */
    uint32_t last_ms;
};

/* A pulse on D0 (false) or D1 (true). */
void wiegand_pulse(struct wiegand *reader, bool bit, uint32_t now_ms);

/* Return the bits in `data` of a complete message, else 0. Call `wiegand_clear` before the next pulse. */
uint8_t wiegand_message(struct wiegand *reader, uint32_t now_ms);

/* Drop the collected bits. */
void wiegand_clear(struct wiegand *reader);

#endif
