/* What raw readings mean: HX711 bits, an echo's length, an NTC's voltage, a divided supply. */
#ifndef TZ_MEASURE_H
#define TZ_MEASURE_H

#include <stdbool.h>
#include <stdint.h>

enum {
    HX711_BITS = 24,
    HX711_GAIN_PULSES = 1, /* after the bits: 1 chooses channel A, gain 128 (HX711 data sheet, table 3) */
    ECHO_MOST_US = 25000,  /* 4.3 m there and back; an HC-SR04 that hears nothing holds its line 38 ms */
    ADC_FULL = 1023
};

/* Two's complement of 24 bits to 32. */
int32_t measure_hx711(uint32_t bits);

/* Millimetres to what threw the echo back, at 343 m/s; false when the echo never came. */
bool measure_echo(uint32_t echo_us, int32_t *distance_mm);

/* Hundredths of a degree for a 10 kOhm NTC (B 3950) to ground under 10 kOhm to the supply that is also
 * the converter's reference; false for a broken or shorted wire, or outside -40 to 105 degrees. */
bool measure_ntc(uint16_t reading, int32_t *temperature_centi_c);

/* Millivolts of a supply behind a divider of 1 : 4, with 5 V as the converter's reference. */
int32_t measure_supply(uint16_t reading);

#endif
