#include "lid.h"

#include <string.h>

static const struct settling SWITCH = {20, 20};
static const struct settling WAY_IS_FREE = {200, 0}; /* an obstruction counts at once, a free way later */

enum { TRAVEL_MS = 2000, RETRY_MS = 2000, PATIENCE_MS = 20000, TRIES = 3 }; /* until SET_LID */

void lid_start(struct lid *lid)
{
    memset(lid, 0, sizeof *lid);
    lid->times = (struct lid_times){lid_drive_ms(TRAVEL_MS), RETRY_MS, PATIENCE_MS, TRIES};
}

static struct lid_seen seen(const struct lid *lid)
{
    return (struct lid_seen){
        contact_is_on(&lid->opened), contact_is_on(&lid->closed), !contact_is_on(&lid->way)};
}

static bool says_both(const struct lid *lid)
{
    return contact_is_on(&lid->opened) && contact_is_on(&lid->closed);
}

static bool has_lease(const struct lid *lid)
{
    return lid->motion.phase == PHASE_OPENING || lid->motion.phase == PHASE_HELD;
}

static void set_cause(struct lid *lid, enum lid_cause cause)
{
    lid->is_news = lid->is_news || lid->cause != (uint8_t)cause;
    lid->cause = (uint8_t)cause;
}

void lid_find(struct lid *lid, uint32_t now_ms)
{
    if (lid->motion.phase == PHASE_RESTING && !seen(lid).closed) {
        lid_found(&lid->motion, seen(lid), now_ms);
        set_cause(lid, CAUSE_HOST_SILENT);
    }
}

bool lid_rests(const struct lid *lid, uint32_t now_ms)
{
    return lid_must_rest(&lid->motion, seen(lid), now_ms, &lid->times);
}

void lid_open(struct lid *lid, uint16_t lease_ms, uint32_t now_ms)
{
    if (!has_lease(lid)) {
        lid->cause = CAUSE_ASKED;
    }
    lid->is_news = lid->is_news || contact_is_on(&lid->opened);
    lid_ask_open(&lid->motion, seen(lid), lease_ms, now_ms, &lid->times);
}

void lid_shut(struct lid *lid, enum lid_cause cause, uint32_t now_ms)
{
    uint8_t blocks = lid->motion.blocks, phase = lid->motion.phase;
    lid_ask_shut(&lid->motion, seen(lid), now_ms, &lid->times);
    if (lid->motion.blocks != blocks) {
        set_cause(lid, CAUSE_OBSTRUCTED);
    } else if (lid->motion.phase != phase) {
        lid->cause = (uint8_t)cause;
    }
}

void lid_end_lease(struct lid *lid, enum lid_cause cause, uint32_t now_ms)
{
    if (has_lease(lid)) {
        lid_shut(lid, cause, now_ms);
    }
}

static void halt(struct lid *lid, enum lid_cause cause, uint32_t now_ms)
{
    lid_halt(&lid->motion, now_ms);
    bridge_command(&lid->bridge, DRIVE_OFF, now_ms);
    set_cause(lid, cause);
}

void lid_stop(struct lid *lid, uint32_t now_ms)
{
    halt(lid, CAUSE_MOTORS_STOPPED, now_ms);
}

void lid_tell_again(struct lid *lid)
{
    lid->cause = CAUSE_ASKED;
    lid->is_news = true;
}

static void explain(struct lid *lid, const struct lid_motion *before)
{
    const struct lid_motion *motion = &lid->motion;
    bool had_lease = before->phase == PHASE_OPENING || before->phase == PHASE_HELD;
    if (motion->phase == before->phase && motion->blocks == before->blocks) {
        return;
    }
    if (motion->phase == PHASE_LEFT_OPEN) {
        set_cause(lid, CAUSE_LEFT_OPEN);
    } else if (motion->blocks != before->blocks) {
        set_cause(lid, CAUSE_OBSTRUCTED);
    } else if (motion->phase == PHASE_HELD && !contact_is_on(&lid->opened)) {
        set_cause(lid, CAUSE_TRAVEL_TIMEOUT);
    } else if (had_lease && (motion->phase == PHASE_CLOSING || motion->phase == PHASE_WAITING)) {
        set_cause(lid, CAUSE_LEASE_OVER);
    }
}

static enum lid_position position(const struct lid *lid)
{
    enum drive drive = lid_drive(&lid->motion);
    bool opened = contact_is_on(&lid->opened), closed = contact_is_on(&lid->closed);
    if (opened && closed) {
        return POSITION_UNKNOWN;
    }
    if (drive == DRIVE_OPEN && !opened) {
        return POSITION_OPENING;
    }
    if (drive == DRIVE_SHUT && !closed) {
        return POSITION_CLOSING;
    }
    if (opened || closed) {
        return opened ? POSITION_OPEN : POSITION_SHUT;
    }
    return lid->has_driven ? POSITION_STOPPED : POSITION_UNKNOWN;
}

static void move(struct lid *lid, uint32_t now_ms)
{
    struct lid_motion before = lid->motion;
    lid_step(&lid->motion, seen(lid), now_ms, &lid->times);
    explain(lid, &before);
    enum drive drive = lid_drive(&lid->motion);
    bridge_command(&lid->bridge, drive, now_ms);
    lid->has_driven = lid->has_driven || drive != DRIVE_OFF;
}

/* Return whether the lid is shut and at rest, as nearly always: then a turn would change nothing. The board
 * has a thousand turns of eight lids a second. */
static bool is_still(const struct lid *lid, struct lid_contacts contacts)
{
    return lid->motion.phase == PHASE_RESTING && lid->position == POSITION_SHUT && lid->bridge.drive == DRIVE_OFF &&
           !lid->bridge.is_resting && contacts.closed && !contacts.opened &&
           contact_is_steady(&lid->closed, true) && contact_is_steady(&lid->opened, false) &&
           contact_is_steady(&lid->way, contacts.free);
}

void lid_turn(struct lid *lid, struct lid_contacts contacts, uint32_t now_ms)
{
    if (is_still(lid, contacts)) {
        return;
    }
    contact_read(&lid->opened, contacts.opened, now_ms, SWITCH);
    contact_read(&lid->closed, contacts.closed, now_ms, SWITCH);
    contact_read(&lid->way, contacts.free, now_ms, WAY_IS_FREE);
    if (says_both(lid)) {
        halt(lid, CAUSE_BOTH_SWITCHES, now_ms);
    } else {
        move(lid, now_ms);
    }
    enum lid_position stands = position(lid);
    lid->is_news = lid->is_news || lid->position != (uint8_t)stands;
    lid->position = (uint8_t)stands;
}
