/* A motor's H-bridge: one direction at a time, and a rest before it changes direction.
 * The rules of firmware_bridge/h_bridge.py. */
#ifndef TZ_H_BRIDGE_H
#define TZ_H_BRIDGE_H

#include <stdbool.h>
#include <stdint.h>

enum { BRIDGE_REST_MS = 100 };

enum drive { DRIVE_OFF = 0, DRIVE_OPEN = 1, DRIVE_SHUT = 2 };

/* Zeroed memory is a bridge that has never driven. */
struct h_bridge {
    uint32_t off_since_ms;
    uint8_t drive;   /* enum drive: what it does */
    uint8_t last;    /* enum drive: its last direction */
    bool is_resting; /* off for less than BRIDGE_REST_MS; a flag, so that a wrapped clock begins no rest */
};

/* Bring the bridge as near to `wanted` as allowed now; call again until it is there. */
void bridge_command(struct h_bridge *bridge, enum drive wanted, uint32_t now_ms);

#endif
