#include <avr/io.h>

#include "board_config.h"
#include "parts.h"

enum { PAUSE_MS = 50 };

static uint8_t channel_now;
static uint32_t begun_ms;

static void begin(uint8_t channel, uint32_t now_ms)
{
    channel_now = channel;
    begun_ms = now_ms;
    ADMUX = (uint8_t)(_BV(REFS0) | channel); /* the supply is the reference */
    ADCSRA |= _BV(ADSC);
}

void analog_start(void)
{
    DIDR0 = _BV(ADC_TEMPERATURE) | _BV(ADC_SUPPLY);
    ADCSRA = _BV(ADEN) | _BV(ADPS2) | _BV(ADPS1) | _BV(ADPS0); /* 125 kHz */
    begin(ADC_TEMPERATURE, 0);
}

bool analog_take(uint8_t *channel, uint16_t *reading, uint32_t now_ms)
{
    if ((ADCSRA & _BV(ADSC)) != 0 || (uint32_t)(now_ms - begun_ms) < PAUSE_MS) {
        return false;
    }
    *channel = channel_now;
    *reading = ADC;
    begin(channel_now == ADC_TEMPERATURE ? ADC_SUPPLY : ADC_TEMPERATURE, now_ms);
    return true;
}
