/* The lids of a test rig: their motors move them, and they close their limit switches. */
#ifndef TZ_PLANT_H
#define TZ_PLANT_H

#include <stdbool.h>
#include <stdint.h>

#include "core.h"

enum forced { FORCED_AUTO = 0, FORCED_OFF, FORCED_ON };

struct plant_lid {
    double permille; /* 0 shut, 1000 open */
    double travel_ms;
    bool is_jammed;
    bool is_obstructed;
    enum forced open_switch, shut_switch;
    enum drive drive;
};

struct plant {
    struct plant_lid lids[LIDS_MOST];
};

/* All lids shut, nothing in the way, motors off. */
void plant_start(struct plant *plant);

/* Advance the time: driven lids move. */
void plant_pass(struct plant *plant, double ms);

/* Read the contacts, one bit for each lid. */
void plant_contacts(const struct plant *plant, struct core_inputs *inputs);

#endif
