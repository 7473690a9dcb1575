/* The sensors' last readings, and which of them must be reported. */
#ifndef TZ_SENSORS_H
#define TZ_SENSORS_H

#include <stdbool.h>
#include <stdint.h>

#include "protocol.h"

enum {
    SENSORS_MOST = 16,
    SENSOR_PAUSE_MS = 250, /* shortest time between two reports of a measured value */
    WEIGHT_AGAIN_MS = 5000 /* longest time between two reports of a working scale: silence means a fault */
};

struct sensor {
    int32_t value;
    int32_t told;
    uint32_t told_ms;
    uint8_t kind; /* enum sensor_kind */
    uint8_t index;
    bool is_known;
    bool is_fresh; /* read since the last report */
    bool is_owed; /* must be reported, whatever its value */
};

struct sensors {
    struct sensor all[SENSORS_MOST];
    uint8_t count;
};

/* Make the table of sensors from the count of each kind; those above SENSORS_MOST are left out. */
void sensors_start(struct sensors *sensors, const uint8_t counts[SENSOR_KINDS]);

/* Return a bit for each kind that is present. */
uint16_t sensors_kinds(const struct sensors *sensors);

/* Note a sensor's reading. */
void sensors_read(struct sensors *sensors, enum sensor_kind kind, uint8_t index, int32_t value);

/* Report all sensors again, for a new link. */
void sensors_tell_again(struct sensors *sensors);

/* Return a sensor to be reported now; NULL if none. Call `sensors_told` once it is reported. */
struct sensor *sensors_due(struct sensors *sensors, uint32_t now_ms);

/* Note that a sensor's value was reported. */
void sensors_told(struct sensor *sensor, uint32_t now_ms);

#endif
