/* One lid: its contacts, its movement, its motor, and what the host is told of it. */
#ifndef TZ_LID_H
#define TZ_LID_H

#include <stdbool.h>
#include <stdint.h>

#include "contact.h"
#include "h_bridge.h"
#include "lid_motion.h"
#include "protocol.h"

/* What a lid's contacts say this moment: true where a contact connects to ground. */
struct lid_contacts {
    bool opened;
    bool closed;
    bool free; /* closed while the way is free, so that a broken wire counts as something in the way */
};

struct lid {
    struct contact opened, closed, way;
    struct lid_motion motion;
    struct h_bridge bridge;
    struct lid_times times;
    uint8_t position; /* enum lid_position */
    uint8_t cause;    /* enum lid_cause */
    bool has_driven;
    bool is_news; /* the host has yet to be told */
};

/* Make a lid as it is after a reset: motor off, position unknown. */
void lid_start(struct lid *lid);

/* The contacts have settled for the first time: a lid that stands open, and was not asked to, is shut. */
void lid_find(struct lid *lid, uint32_t now_ms);

/* Whether its motor was driven for so long that no lease may begin a drive now. */
bool lid_rests(const struct lid *lid, uint32_t now_ms);

/* Open, or stay open, at most `lease_ms`. */
void lid_open(struct lid *lid, uint16_t lease_ms, uint32_t now_ms);

/* Shut now for this cause, unless something is in the way. */
void lid_shut(struct lid *lid, enum lid_cause cause, uint32_t now_ms);

/* Shut for this cause if there is a lease; a lid without one is left alone. */
void lid_end_lease(struct lid *lid, enum lid_cause cause, uint32_t now_ms);

/* Motor off at once, lease ended. */
void lid_stop(struct lid *lid, uint32_t now_ms);

/* A link began: the host is to be told where the lid is. */
void lid_tell_again(struct lid *lid);

/* Read the contacts and let time pass; the motor is to do `lid->bridge.drive` from now on. */
void lid_turn(struct lid *lid, struct lid_contacts contacts, uint32_t now_ms);

#endif
