#include "plant.h"

#include <string.h>

static const double TRAVEL_MS = 300.0, OPEN = 1000.0;

void plant_start(struct plant *plant)
{
    memset(plant, 0, sizeof *plant);
    for (int i = 0; i < LIDS_MOST; i++) {
        plant->lids[i].travel_ms = TRAVEL_MS;
    }
}

static double within(double value)
{
    return value < 0.0 ? 0.0 : value > OPEN ? OPEN : value;
}

void plant_pass(struct plant *plant, double ms)
{
    for (int i = 0; i < LIDS_MOST; i++) {
        struct plant_lid *lid = &plant->lids[i];
        double step = OPEN * ms / lid->travel_ms;
        if (lid->drive != DRIVE_OFF && !lid->is_jammed) {
            lid->permille = within(lid->permille + (lid->drive == DRIVE_OPEN ? step : -step));
        }
    }
}

static uint8_t bit(int lid, bool is_on, enum forced forced)
{
    bool level = forced == FORCED_AUTO ? is_on : forced == FORCED_ON;
    return (uint8_t)((level ? 1U : 0U) << lid);
}

void plant_contacts(const struct plant *plant, struct core_inputs *inputs)
{
    uint8_t opened = 0, closed = 0, free_ways = 0;
    for (int i = 0; i < LIDS_MOST; i++) {
        const struct plant_lid *lid = &plant->lids[i];
        opened = (uint8_t)(opened | bit(i, lid->permille >= OPEN, lid->open_switch));
        closed = (uint8_t)(closed | bit(i, lid->permille <= 0.0, lid->shut_switch));
        free_ways = (uint8_t)(free_ways | bit(i, !lid->is_obstructed, FORCED_AUTO));
    }
    inputs->opened = opened;
    inputs->closed = closed;
    inputs->free = free_ways;
}
