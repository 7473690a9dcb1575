/* The numbers of numbered messages: 1 to 255, then 1 again; 0 means none. */
#ifndef TZ_NUMBERS_H
#define TZ_NUMBERS_H

#include <stdint.h>

#include "protocol.h"

/* Return the number `steps` after this one; 1 follows 0, which means none. */
static inline uint8_t numbers_after(uint8_t number, uint8_t steps)
{
    uint16_t before = number == 0 ? NUMBERS : number;
    return (uint8_t)((before + NUMBERS - 1U + steps) % NUMBERS + 1U);
}

/* Return how many steps lead from one number to another. */
static inline uint8_t numbers_between(uint8_t from, uint8_t to)
{
    return (uint8_t)(((uint16_t)to + NUMBERS - from) % NUMBERS);
}

#endif
