/* What the sensors read last, and what the host is to be told of it. */
#ifndef TZ_SENSORS_H
#define TZ_SENSORS_H

#include <stdbool.h>
#include <stdint.h>

#include "protocol.h"

enum {
    SENSORS_MOST = 16,
    SENSOR_PAUSE_MS = 250, /* a value that is no contact's is told at most so often */
    WEIGHT_AGAIN_MS = 5000 /* a scale that is read is told so often at least: silence means that it is not */
};

struct sensor {
    int32_t value;
    int32_t told;
    uint32_t told_ms;
    uint8_t kind; /* enum sensor_kind */
    uint8_t index;
    bool is_known;
    bool is_fresh; /* read since it was told */
    bool is_owed; /* to be told, whatever its value */
};

struct sensors {
    struct sensor all[SENSORS_MOST];
    uint8_t count;
};

/* Make the table of what is fitted: so many of each kind; what does not fit SENSORS_MOST is left out. */
void sensors_start(struct sensors *sensors, const uint8_t counts[SENSOR_KINDS]);

/* A bit for each kind of which there is one. */
uint16_t sensors_kinds(const struct sensors *sensors);

/* A sensor has been read. */
void sensors_read(struct sensors *sensors, enum sensor_kind kind, uint8_t index, int32_t value);

/* A link began: the host is to be told of all. */
void sensors_tell_again(struct sensors *sensors);

/* A sensor the host is to be told of now; NULL if none. `sensors_told` when it is done. */
struct sensor *sensors_due(struct sensors *sensors, uint32_t now_ms);

/* The host has been told of its value. */
void sensors_told(struct sensor *sensor, uint32_t now_ms);

#endif
