#include "measure.h"

enum {
    COLDEST_CENTI_C = -4000,
    STEP_CENTI_C = 500,
    STEPS = 30,
    FINER = 16,         /* the table's unit is a sixteenth of a converter step */
    SUPPLY_FULL_MV = 25000
};

/* The converter's readings at -40, -35, ... 105 degrees: 1023 * 16 * r / (r + 10k), with
 * r = 10k * exp(3950 * (1 / T - 1 / 298.15 K)). */
static const uint16_t NTC_READS[STEPS] = {15971, 15807, 15589, 15307, 14949, 14506, 13970, 13338,
                                          12616, 11812, 10944, 10033, 9105,  8184,  7293,  6451,
                                          5671,  4960,  4322,  3756,  3259,  2825,  2449,  2125,
                                          1845,  1604,  1398,  1220,  1067,  936};

int32_t measure_hx711(uint32_t bits)
{
    uint32_t low = bits & 0xFFFFFFUL;
    return (low & 0x800000UL) ? (int32_t)low - 0x1000000L : (int32_t)low;
}

bool measure_echo(uint32_t echo_us, int32_t *distance_mm)
{
    if (echo_us > ECHO_MOST_US) {
        return false;
    }
    *distance_mm = (int32_t)((echo_us * 343UL + 1000UL) / 2000UL);
    return true;
}

bool measure_ntc(uint16_t reading, int32_t *temperature_centi_c)
{
    uint32_t finer = (uint32_t)reading * FINER;
    if (finer > NTC_READS[0] || finer < NTC_READS[STEPS - 1]) {
        return false;
    }
    uint8_t i = 0;
    while (i < STEPS - 2 && finer < NTC_READS[i + 1]) {
        i++;
    }
    int32_t span = (int32_t)NTC_READS[i] - (int32_t)NTC_READS[i + 1];
    int32_t part = (int32_t)NTC_READS[i] - (int32_t)finer;
    *temperature_centi_c = COLDEST_CENTI_C + i * (int32_t)STEP_CENTI_C + part * STEP_CENTI_C / span;
    return true;
}

int32_t measure_supply(uint16_t reading)
{
    return (int32_t)(((uint32_t)reading * SUPPLY_FULL_MV + ADC_FULL / 2) / ADC_FULL);
}
