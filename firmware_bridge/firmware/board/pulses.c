#include <avr/interrupt.h>
#include <util/atomic.h>
#include <util/delay.h>

#include "board_config.h"
#include "parts.h"
#include "ring.h"

enum { TRIGGER_US = 10, ECHOES = 2 };

/* An echo line rises when the sound is sent and falls when it returns; the first of these edges resets. */
static struct echo {
    volatile uint16_t rose;
    volatile uint16_t lasted;
    volatile uint8_t edges;
} echoes[ECHOES];

static struct ring bits; /* reader * 2 + bit */

ISR(INT0_vect)
{
    ring_put(&bits, 0);
}

ISR(INT1_vect)
{
    ring_put(&bits, 1);
}

ISR(INT2_vect)
{
    ring_put(&bits, 2);
}

ISR(INT3_vect)
{
    ring_put(&bits, 3);
}

static void edge(struct echo *echo)
{
    uint16_t now = TCNT5;
    if (echo->edges == 0) {
        echo->rose = now;
    } else if (echo->edges == 1) {
        echo->lasted = (uint16_t)(now - echo->rose);
    }
    if (echo->edges < 2) {
        echo->edges++;
    }
}

ISR(INT4_vect)
{
    edge(&echoes[0]);
}

ISR(INT5_vect)
{
    edge(&echoes[1]);
}

void pulses_start(void)
{
    WIEGAND_PORT |= WIEGAND_PINS;
    ECHO_PORT |= ECHO_PINS; /* pulled up: a sensor that is not wired has no edges */
    EICRA = _BV(ISC01) | _BV(ISC11) | _BV(ISC21) | _BV(ISC31); /* falling edges */
    EICRB = _BV(ISC40) | _BV(ISC50);                           /* any edge */
    TRIGGER_DDR |= (uint8_t)(3U << TRIGGER_FIRST);
    EIFR = 0x3F;
    EIMSK = 0x3F;
}

bool pulses_take_bit(uint8_t *reader, bool *bit)
{
    uint8_t pulse;
    if (!ring_take(&bits, &pulse)) {
        return false;
    }
    *reader = pulse >> 1;
    *bit = (pulse & 1U) != 0;
    return true;
}

void pulses_trigger(uint8_t level)
{
    uint8_t pin = (uint8_t)(1U << (TRIGGER_FIRST + level));
    ATOMIC_BLOCK(ATOMIC_RESTORESTATE)
    {
        echoes[level].edges = 0;
        TRIGGER_PORT |= pin;
        _delay_us(TRIGGER_US);
        TRIGGER_PORT &= (uint8_t)~pin;
    }
}

bool pulses_take_echo(uint8_t level, uint16_t *echo_us)
{
    struct echo *echo = &echoes[level];
    bool is_over;
    ATOMIC_BLOCK(ATOMIC_RESTORESTATE)
    {
        is_over = echo->edges == 2;
        *echo_us = echo->lasted / 2U;
        if (is_over) {
            echo->edges = 3; /* read; further edges are noise until the next trigger */
        }
    }
    return is_over;
}
