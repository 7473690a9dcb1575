#include "sensors.h"

#include <stddef.h>
#include <string.h>

/* A change smaller than this is noise: about a gram, a ripple, a third of a degree, a converter's step. */
static const int32_t NOISE[SENSOR_KINDS] = {200, 10, 1, 30, 1, 1, 100};

void sensors_start(struct sensors *sensors, const uint8_t counts[SENSOR_KINDS])
{
    memset(sensors, 0, sizeof *sensors);
    for (uint8_t kind = 0; kind < SENSOR_KINDS; kind++) {
        for (uint8_t index = 0; index < counts[kind] && sensors->count < SENSORS_MOST; index++) {
            struct sensor *sensor = &sensors->all[sensors->count++];
            sensor->kind = kind;
            sensor->index = index;
        }
    }
}

uint16_t sensors_kinds(const struct sensors *sensors)
{
    uint16_t kinds = 0;
    for (uint8_t i = 0; i < sensors->count; i++) {
        kinds = (uint16_t)(kinds | (1U << sensors->all[i].kind));
    }
    return kinds;
}

void sensors_read(struct sensors *sensors, enum sensor_kind kind, uint8_t index, int32_t value)
{
    for (uint8_t i = 0; i < sensors->count; i++) {
        struct sensor *sensor = &sensors->all[i];
        if (sensor->kind == (uint8_t)kind && sensor->index == index) {
            sensor->value = value;
            sensor->is_owed = sensor->is_owed || !sensor->is_known;
            sensor->is_known = true;
            sensor->is_fresh = true;
        }
    }
}

void sensors_tell_again(struct sensors *sensors)
{
    for (uint8_t i = 0; i < sensors->count; i++) {
        sensors->all[i].is_owed = true;
    }
}

static bool is_contact(uint8_t kind)
{
    return kind == SENSOR_SMOKE || kind == SENSOR_DOOR || kind == SENSOR_PANIC;
}

static bool is_due(const struct sensor *sensor, uint32_t now_ms)
{
    if (!sensor->is_known || sensor->is_owed) {
        return sensor->is_known;
    }
    if (sensor->kind == SENSOR_WEIGHT && sensor->is_fresh &&
        (uint32_t)(now_ms - sensor->told_ms) >= WEIGHT_AGAIN_MS) {
        return true;
    }
    /* In 64 bits: the difference of two readings may not fit into 32. */
    int64_t change = (int64_t)sensor->value - sensor->told;
    bool is_news = change >= NOISE[sensor->kind] || -change >= NOISE[sensor->kind];
    return is_news &&
           (is_contact(sensor->kind) || (uint32_t)(now_ms - sensor->told_ms) >= SENSOR_PAUSE_MS);
}

struct sensor *sensors_due(struct sensors *sensors, uint32_t now_ms)
{
    for (uint8_t i = 0; i < sensors->count; i++) {
        if (is_due(&sensors->all[i], now_ms)) {
            return &sensors->all[i];
        }
    }
    return NULL;
}

void sensors_told(struct sensor *sensor, uint32_t now_ms)
{
    sensor->told = sensor->value;
    sensor->told_ms = now_ms;
    sensor->is_owed = false;
    sensor->is_fresh = false;
}
