/* Converts raw readings: HX711 bits, an echo's length, an NTC's voltage, a divided supply. */
#ifndef TZ_MEASURE_H
#define TZ_MEASURE_H

#include <stdbool.h>
#include <stdint.h>

enum {
    HX711_BITS = 24,
    HX711_GAIN_PULSES = 1, /* after the bits: 1 chooses channel A, gain 128 (HX711 data sheet, table 3) */
    ECHO_MOST_US = 25000,  /* 4.3 m there and back; without an echo an HC-SR04 holds its line for 38 ms */
    ADC_FULL = 1023
};

/* Extend a two's complement of 24 bits to 32. */
int32_t measure_hx711(uint32_t bits);

/* Convert an echo's time to millimetres, at 343 m/s; false if there was no echo. */
bool measure_echo(uint32_t echo_us, int32_t *distance_mm);

/* Convert to hundredths of a degree Celsius, for a 10 kOhm NTC (B 3950) to ground and 10 kOhm to the supply,
 * which is also the converter's reference; false for a broken or shorted wire, or outside -40 to 105 degrees. */
bool measure_ntc(uint16_t reading, int32_t *temperature_centi_c);

/* Convert to millivolts of a supply behind a divider of 1 : 4, with 5 V as the converter's reference. */
int32_t measure_supply(uint16_t reading);

#endif
