/* How a lid moves: the rules of firmware_bridge/lid_motion.py, in milliseconds. Knows no pins.
 *
 * A lease opens the lid; when the lease ends, the lid is driven shut. Something in the way reverses it; it is
 * tried again a few times, and then left open with its motor off. No motor runs while both limit switches are
 * closed. A motor must rest as long as it was driven: if it owes the rest of many drives, only a reversal may
 * drive it until it owes less. The springs of lid_motion.py are not here: a relay's lid is wired to the Pi. */
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

/* The levels of a lid's inputs. */
struct lid_seen {
    bool opened;
    bool closed;
    bool obstructed;
};

/* A lid's bounds. */
struct lid_times {
    uint32_t drive_ms;    /* the longest time that the motor runs in one direction without a pause */
    uint32_t retry_ms;    /* how long the way must have been free before the next try */
    uint32_t patience_ms; /* no try begins later than this after the first one */
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

/* Return the longest drive of a lid that needs `travel_ms` from one end to the other: enough for a weak
 * battery, and for the rest before the motor changes direction. */
uint32_t lid_drive_ms(uint16_t travel_ms);

/* Return whether the motor must rest before a new lease could drive it. */
bool lid_must_rest(const struct lid_motion *motion, struct lid_seen seen, uint32_t now_ms,
                   const struct lid_times *times);

/* Open, or stay open, at most `lease_ms` from now; nothing happens if the motor must rest. Then call `lid_step`. */
void lid_ask_open(struct lid_motion *motion, struct lid_seen seen, uint32_t lease_ms, uint32_t now_ms,
                  const struct lid_times *times);

/* Shut now, unless something is in the way. Then call `lid_step`. */
void lid_ask_shut(struct lid_motion *motion, struct lid_seen seen, uint32_t now_ms, const struct lid_times *times);

/* Note that the motor was turned off from outside: no lease, at rest until a request. */
void lid_halt(struct lid_motion *motion, uint32_t now_ms);

/* Apply the inputs and the time that has passed. */
void lid_step(struct lid_motion *motion, struct lid_seen seen, uint32_t now_ms, const struct lid_times *times);

/* Begin with a lid as it was found at start: one that is not shut lost its lease with the program before, and
 * is shut once its way has been free for a while. */
void lid_found(struct lid_motion *motion, struct lid_seen seen, uint32_t now_ms);

/* Return what the motor must do. */
enum drive lid_drive(const struct lid_motion *motion);

#endif
