#include "lid_motion.h"

#include "clock.h"

enum { MOST_OWED_DRIVES = 20 }; /* of firmware_bridge/motor_rest.py */

uint32_t lid_drive_ms(uint16_t travel_ms)
{
    return (uint32_t)travel_ms + travel_ms / 2U + BRIDGE_REST_MS;
}

static void enter(struct lid_motion *motion, enum lid_phase phase, uint32_t now_ms)
{
    motion->phase = (uint8_t)phase;
    motion->since_ms = now_ms;
}

static uint32_t owed_ms(const struct lid_motion *motion, uint32_t now_ms)
{
    uint32_t spent_ms = now_ms - motion->owed_at_ms;
    if (lid_drive(motion) != DRIVE_OFF) {
        return motion->owed_ms + spent_ms;
    }
    return motion->owed_ms > spent_ms ? motion->owed_ms - spent_ms : 0;
}

/* Call before the phase changes: the rest owed grows in some phases and falls in others. */
static void count(struct lid_motion *motion, uint32_t now_ms)
{
    motion->owed_ms = owed_ms(motion, now_ms);
    motion->owed_at_ms = now_ms;
}

static bool is_tired(const struct lid_motion *motion, uint32_t now_ms, const struct lid_times *times)
{
    return owed_ms(motion, now_ms) > MOST_OWED_DRIVES * times->drive_ms;
}

bool lid_must_rest(const struct lid_motion *motion, struct lid_seen seen, uint32_t now_ms,
                   const struct lid_times *times)
{
    bool is_under_way = motion->phase == PHASE_OPENING || motion->phase == PHASE_HELD ||
                        motion->phase == PHASE_REVERSING;
    return !is_under_way && !seen.opened && is_tired(motion, now_ms, times);
}

void lid_ask_open(struct lid_motion *motion, struct lid_seen seen, uint32_t lease_ms, uint32_t now_ms,
                  const struct lid_times *times)
{
    if (lid_must_rest(motion, seen, now_ms, times)) {
        return;
    }
    count(motion, now_ms);
    motion->lease_until_ms = now_ms + lease_ms;
    if (motion->phase == PHASE_OPENING || motion->phase == PHASE_HELD) {
        return; /* a renewal must not begin a second drive: renewed often, the motor would never stop */
    }
    enter(motion, PHASE_OPENING, motion->phase == PHASE_REVERSING ? motion->since_ms : now_ms);
    motion->has_left = false;
}

static void begin_to_shut(struct lid_motion *motion, struct lid_seen seen, uint32_t now_ms,
                          const struct lid_times *times)
{
    motion->closing_since_ms = now_ms;
    if (seen.closed) {
        enter(motion, PHASE_RESTING, now_ms);
    } else if (seen.obstructed || is_tired(motion, now_ms, times)) {
        enter(motion, PHASE_WAITING, now_ms);
        motion->tries = 0;
        motion->blocks = (uint8_t)(motion->blocks + seen.obstructed);
    } else {
        enter(motion, PHASE_CLOSING, now_ms);
        motion->tries = 1;
    }
}

void lid_ask_shut(struct lid_motion *motion, struct lid_seen seen, uint32_t now_ms, const struct lid_times *times)
{
    count(motion, now_ms);
    bool is_shutting = motion->phase == PHASE_CLOSING || motion->phase == PHASE_REVERSING ||
                       motion->phase == PHASE_WAITING;
    if (!is_shutting) {
        begin_to_shut(motion, seen, now_ms, times);
    }
}

static bool wait_passed(struct lid_motion *motion, struct lid_seen seen, uint32_t now_ms,
                        const struct lid_times *times)
{
    if (motion->tries < times->tries && is_tired(motion, now_ms, times)) {
        motion->closing_since_ms = now_ms; /* patience begins when the motor may run again */
        motion->since_ms = seen.obstructed ? now_ms : motion->since_ms;
        return false;
    }
    bool out_of_patience = (uint32_t)(now_ms - motion->closing_since_ms) >= times->patience_ms;
    if (out_of_patience || motion->tries >= times->tries) {
        enter(motion, PHASE_LEFT_OPEN, now_ms);
        return true;
    }
    if (seen.obstructed) {
        motion->since_ms = now_ms;
        return false;
    }
    if ((uint32_t)(now_ms - motion->since_ms) < times->retry_ms) {
        return false;
    }
    enter(motion, PHASE_CLOSING, now_ms);
    motion->tries++;
    return true;
}

static bool is_shut_again(const struct lid_motion *motion, struct lid_seen seen)
{
    /* A lid stuck shut keeps its lease: otherwise each renewal would drive it again. */
    return seen.closed && motion->has_left;
}

/* Apply one change that the inputs or the time require; return whether there was one. */
static bool passed(struct lid_motion *motion, struct lid_seen seen, uint32_t now_ms,
                   const struct lid_times *times)
{
    bool driven_enough = (uint32_t)(now_ms - motion->since_ms) >= times->drive_ms;
    bool has_lease = motion->phase == PHASE_OPENING || motion->phase == PHASE_HELD;
    if (seen.opened && seen.closed && lid_drive(motion) != DRIVE_OFF) {
        enter(motion, PHASE_LEFT_OPEN, now_ms);
        return true;
    }
    if (has_lease && clock_reached(now_ms, motion->lease_until_ms)) {
        begin_to_shut(motion, seen, now_ms, times);
        return true;
    }
    switch ((enum lid_phase)motion->phase) {
    case PHASE_OPENING:
        if (!seen.opened && !driven_enough) {
            return false;
        }
        enter(motion, PHASE_HELD, now_ms);
        return true;
    case PHASE_REVERSING:
        if (!seen.opened && !driven_enough) {
            return false;
        }
        enter(motion, PHASE_WAITING, now_ms);
        return true;
    case PHASE_HELD:
    case PHASE_CLOSING:
    case PHASE_WAITING:
    case PHASE_LEFT_OPEN:
        if (is_shut_again(motion, seen)) {
            enter(motion, PHASE_RESTING, now_ms);
            return true;
        }
        if (motion->phase == PHASE_CLOSING && (seen.obstructed || driven_enough)) {
            enter(motion, PHASE_REVERSING, now_ms);
            motion->blocks++;
            return true;
        }
        return motion->phase == PHASE_WAITING && wait_passed(motion, seen, now_ms, times);
    case PHASE_RESTING:
        return false;
    }
    return false;
}

void lid_step(struct lid_motion *motion, struct lid_seen seen, uint32_t now_ms, const struct lid_times *times)
{
    enum { MOST_CHANGES = 8 }; /* no chain of phases at one moment is longer; the bound makes sure */
    count(motion, now_ms);
    if (!seen.closed) {
        motion->has_left = true;
    }
    for (uint8_t i = 0; i < MOST_CHANGES && passed(motion, seen, now_ms, times); i++) {
    }
}

void lid_found(struct lid_motion *motion, struct lid_seen seen, uint32_t now_ms)
{
    *motion = (struct lid_motion){.phase = PHASE_RESTING};
    if (!seen.closed) {
        enter(motion, PHASE_WAITING, now_ms);
        motion->closing_since_ms = now_ms;
    }
}

void lid_halt(struct lid_motion *motion, uint32_t now_ms)
{
    count(motion, now_ms);
    *motion = (struct lid_motion){
        .blocks = motion->blocks, .owed_ms = motion->owed_ms, .owed_at_ms = motion->owed_at_ms};
}

enum drive lid_drive(const struct lid_motion *motion)
{
    switch ((enum lid_phase)motion->phase) {
    case PHASE_OPENING:
    case PHASE_REVERSING:
        return DRIVE_OPEN;
    case PHASE_CLOSING:
        return DRIVE_SHUT;
    case PHASE_RESTING:
    case PHASE_HELD:
    case PHASE_WAITING:
    case PHASE_LEFT_OPEN:
        return DRIVE_OFF;
    }
    return DRIVE_OFF;
}
