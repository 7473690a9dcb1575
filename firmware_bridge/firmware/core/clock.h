/* Milliseconds that wrap after 49 days: two moments less than 24 days apart compare correctly. */
#ifndef TZ_CLOCK_H
#define TZ_CLOCK_H

#include <stdbool.h>
#include <stdint.h>

/* Whether `due` has come. */
static inline bool clock_reached(uint32_t now_ms, uint32_t due_ms)
{
    return (uint32_t)(now_ms - due_ms) < 0x80000000UL;
}

#endif
