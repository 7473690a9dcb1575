/* The firmware on a pty with a simulated plant, in real time; docs/protocol.md, "Test rig". */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#include "core.h"
#include "hal.h"
#include "rig.h"
#include "turn.h"

enum { RECEIVED_MOST = 256, TICK_MS = 1 };

static const struct core_fitted FITTED = {
    .lids = 8, .wiegand_readers = 2, .serial_readers = 2, .sensors = {4, 2, 1, 1, 1, 1, 1}};

/* The HAL's functions take no argument, because a microcontroller has one of each; this is the one here. */
static struct {
    struct rig rig;
    struct core core;
    uint8_t received[RECEIVED_MOST];
    size_t received_count, received_taken;
    uint64_t started_ns, passed_ns;
    uint8_t measured; /* which measured sensor comes next in this turn */
    uint32_t bits_ms, bytes_ms; /* when the last bit and byte of the readers were sent */
    uint32_t answered_ms;
} here;

static uint64_t now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000U + (uint64_t)now.tv_nsec;
}

/* The time of this turn: the same for all its inputs, even if this process was kept waiting. */
uint32_t hal_now_ms(void)
{
    return (uint32_t)((here.passed_ns - here.started_ns) / 1000000U);
}

bool hal_receive(uint8_t *byte)
{
    if (here.received_taken == here.received_count) {
        here.received_taken = 0;
        here.received_count = rig_receive(&here.rig, here.received, RECEIVED_MOST);
    }
    if (here.received_taken == here.received_count) {
        return false;
    }
    *byte = here.received[here.received_taken++];
    return true;
}

size_t hal_send_room(void)
{
    return FRAME_WIRE_MAX;
}

void hal_send(const uint8_t *bytes, size_t count)
{
    rig_send(&here.rig, bytes, count);
}

void hal_contacts(struct core_inputs *inputs)
{
    plant_contacts(&here.rig.plant, inputs);
    inputs->smoke = here.rig.sensors[SENSOR_SMOKE][0] != 0;
    inputs->door_open = here.rig.sensors[SENSOR_DOOR][0] != 0;
    inputs->panic = here.rig.sensors[SENSOR_PANIC][0] != 0;
}

/* Send a bit or byte each millisecond, like a reader at 9,600 baud. */
static bool next_item(struct rig_sending *sending, uint32_t *last_ms, uint8_t *reader, uint8_t *item)
{
    uint32_t now_ms = hal_now_ms();
    if (now_ms == *last_ms || !rig_next(sending, reader, item)) {
        return false;
    }
    *last_ms = now_ms;
    return true;
}

bool hal_wiegand(uint8_t *reader, bool *bit)
{
    uint8_t item;
    if (!next_item(&here.rig.wiegand, &here.bits_ms, reader, &item)) {
        return false;
    }
    *bit = item != 0;
    return true;
}

bool hal_serial(uint8_t *reader, uint8_t *byte)
{
    return next_item(&here.rig.serial, &here.bytes_ms, reader, byte);
}

bool hal_measured(enum sensor_kind *kind, uint8_t *index, int32_t *value)
{
    static const enum sensor_kind KINDS[] = {SENSOR_WEIGHT, SENSOR_LEVEL, SENSOR_TEMPERATURE, SENSOR_SUPPLY};
    while (here.measured < sizeof KINDS / sizeof KINDS[0] * RIG_INDEXES) {
        *kind = KINDS[here.measured / RIG_INDEXES];
        *index = (uint8_t)(here.measured++ % RIG_INDEXES);
        if (*index < FITTED.sensors[*kind] && !here.rig.silent[*kind][*index]) {
            *value = here.rig.sensors[*kind][*index];
            return true;
        }
    }
    here.measured = 0;
    return false;
}

void hal_drive(uint8_t lid, enum drive drive)
{
    here.rig.plant.lids[lid].drive = drive;
}

void hal_pet(void)
{
}

static bool boot(void)
{
    uint32_t boot_id = 0;
    while (boot_id == 0) {
        if (getrandom(&boot_id, sizeof boot_id, 0) != (ssize_t)sizeof boot_id) {
            return false;
        }
    }
    for (uint8_t lid = 0; lid < LIDS_MOST; lid++) {
        hal_drive(lid, DRIVE_OFF);
    }
    here.received_count = here.received_taken = 0;
    core_start(&here.core, &FITTED, boot_id, hal_now_ms());
    return true;
}

static void live(void)
{
    uint64_t now = now_ns();
    plant_pass(&here.rig.plant, (double)(now - here.passed_ns) / 1e6);
    here.passed_ns = now;
    turn(&here.core);
    if (here.answered_ms != hal_now_ms()) {
        here.answered_ms = hal_now_ms();
        rig_answer(&here.rig);
    }
}

int main(void)
{
    here.started_ns = here.passed_ns = now_ns();
    if (!rig_start(&here.rig, &FITTED, NULL) || !boot()) {
        return EXIT_FAILURE;
    }
    while (!here.rig.is_over) {
        rig_wait(&here.rig, TICK_MS);
        if (here.rig.reboot_asked && !boot()) {
            return EXIT_FAILURE;
        }
        live();
    }
    return EXIT_SUCCESS;
}
