/* The device: from the host's bytes and the inputs to the motors' drives.
 * No heap, no pins, no clock of its own: `now_ms` is passed to every call, and never goes back. */
#ifndef TZ_CORE_H
#define TZ_CORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "contact.h"
#include "frame.h"
#include "lid.h"
#include "link.h"
#include "sensors.h"
#include "serial_reader.h"
#include "wiegand.h"

enum { LIDS_MOST = 8, WIEGAND_MOST = 4, SERIAL_MOST = 2 };

/* The parts of this device. Counts above the room for them are cut down. */
struct core_fitted {
    uint8_t lids;
    uint8_t wiegand_readers;
    uint8_t serial_readers;
    uint8_t sensors[SENSOR_KINDS];
};

/* The contacts now, one bit for each lid; a bit is 1 if the contact connects to ground. */
struct core_inputs {
    uint8_t opened;
    uint8_t closed;
    uint8_t free;
    bool smoke;
    bool door_open;
    bool panic;
};

struct core {
    struct core_fitted fitted;
    struct frame_reader reader;
    struct link link;
    struct lid lids[LIDS_MOST];
    struct sensors sensors;
    struct wiegand wiegand[WIEGAND_MOST];
    struct serial_reader serial[SERIAL_MOST];
    struct contact smoke, door, panic;
    uint32_t started_ms;
    bool has_settled; /* whether the contacts had time to settle after the start */
    bool motors_stopped;
    uint16_t taps_dropped; /* Wiegand messages and serial bytes without a link or room; at most 65535 */
};

/* Initialise a device that has just booted. `boot_id` is not 0. */
void core_start(struct core *core, const struct core_fitted *fitted, uint32_t boot_id, uint32_t now_ms);

/* Take a byte from the host. */
void core_receive(struct core *core, uint8_t byte, uint32_t now_ms);

/* Take a Wiegand reader's pulse, a serial reader's byte, a measured value. */
void core_wiegand(struct core *core, uint8_t reader, bool bit, uint32_t now_ms);
void core_serial(struct core *core, uint8_t reader, uint8_t byte, uint32_t now_ms);
void core_measured(struct core *core, enum sensor_kind kind, uint8_t index, int32_t value);

/* Read the contacts and advance the time; then set the motors by `core_drive`. */
void core_step(struct core *core, const struct core_inputs *inputs, uint32_t now_ms);

/* Return what a lid's motor must do. */
enum drive core_drive(const struct core *core, uint8_t lid);

/* Write the next frame to send; return its bytes, 0 if none. `wire` has room for FRAME_WIRE_MAX. */
size_t core_emit(struct core *core, uint8_t *wire, uint32_t now_ms);

/* Return whether the state is consistent; only then the watchdog is fed after a step. */
bool core_is_sane(const struct core *core);

#endif
