/* How a lid moves: the rules of firmware_bridge/lid_motion.py, in milliseconds. Knows no pins.
 *
 * A lease opens the lid; when it ends the lid is driven shut. Something in the way reverses it; it is
 * tried again a few times, and then left open with its motor off. No motor runs while both switches say
 * that the lid is there. A motor rests as long as it was driven: it may owe the rest of many drives, and then
 * no drive but a reversal begins until it owes less. What lid_motion.py says of springs is not here: a
 * relay's lid hangs on the Pi. */
#ifndef TZ_LID_MOTION_H
#define TZ_LID_MOTION_H

#include <stdbool.h>
#include <stdint.h>

#include "h_bridge.h"

enum lid_phase {
    PHASE_RESTING = 0,
    PHASE_OPENING,
    PHASE_HELD,
    PHASE_CLOSING,
    PHASE_REVERSING,
    PHASE_WAITING,
    PHASE_LEFT_OPEN
};

/* What a lid's inputs say now. */
struct lid_seen {
    bool opened;
    bool closed;
    bool obstructed;
};

/* A lid's bounds. */
struct lid_times {
    uint32_t drive_ms;    /* the longest that the motor runs in one direction at a stretch */
    uint32_t retry_ms;    /* how long the way must have been free before the next try */
    uint32_t patience_ms; /* no try begins later than this after the first */
    uint8_t tries;
};

/* Zeroed memory is a lid that rests where it was found. */
struct lid_motion {
    uint32_t since_ms; /* when this phase began; in WAITING, when something was last in the way */
    uint32_t lease_until_ms;
    uint32_t closing_since_ms;
    uint32_t owed_ms; /* the rest that the motor owed at `owed_at_ms` */
    uint32_t owed_at_ms;
    uint8_t phase; /* enum lid_phase */
    uint8_t tries;
    uint8_t blocks; /* how often something was found in the way; wraps */
    bool has_left;  /* whether it has left its shut switch since the lease began */
};

/* How long a drive may last for a lid that needs `travel_ms` from one end to the other: room for a weak
 * battery, and for the rest before the motor turns round. */
uint32_t lid_drive_ms(uint16_t travel_ms);

/* Whether a lease would begin a drive that the motor has to rest before. */
bool lid_must_rest(const struct lid_motion *motion, struct lid_seen seen, uint32_t now_ms,
                   const struct lid_times *times);

/* Open, or stay open, at most `lease_ms` from now; nothing happens if the motor must rest. `lid_step` follows. */
void lid_ask_open(struct lid_motion *motion, struct lid_seen seen, uint32_t lease_ms, uint32_t now_ms,
                  const struct lid_times *times);

/* Shut now, unless something is in the way. `lid_step` follows. */
void lid_ask_shut(struct lid_motion *motion, struct lid_seen seen, uint32_t now_ms, const struct lid_times *times);

/* The motor was turned off from outside: no lease, and nothing moves until somebody asks. */
void lid_halt(struct lid_motion *motion, uint32_t now_ms);

/* Let what is seen, and the time that has passed, have their effect. */
void lid_step(struct lid_motion *motion, struct lid_seen seen, uint32_t now_ms, const struct lid_times *times);

/* A lid that was found so at start: one that is not shut lost its lease with the program before, and is shut
 * once its way has been free for a while. */
void lid_found(struct lid_motion *motion, struct lid_seen seen, uint32_t now_ms);

/* What the motor is to do. */
enum drive lid_drive(const struct lid_motion *motion);

#endif
