#include <avr/interrupt.h>
#include <avr/io.h>
#include <util/atomic.h>

#include "parts.h"

enum { TICKS_A_MS = 250 }; /* 16 MHz / 64 / 1000 */

static volatile uint32_t passed_ms;

ISR(TIMER2_COMPA_vect)
{
    passed_ms++;
}

void ticks_start(void)
{
    TCCR2A = _BV(WGM21); /* count to OCR2A */
    OCR2A = TICKS_A_MS - 1;
    TIMSK2 = _BV(OCIE2A);
    TCCR2B = _BV(CS22); /* clock / 64 */
    TCCR5B = _BV(CS51); /* clock / 8 */
}

uint32_t ticks_ms(void)
{
    uint32_t now_ms;
    ATOMIC_BLOCK(ATOMIC_RESTORESTATE)
    {
        now_ms = passed_ms;
    }
    return now_ms;
}
