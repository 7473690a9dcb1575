/* One lid: its contacts, its movement, its motor and its reports. */
#ifndef TZ_LID_H
#define TZ_LID_H

#include <stdbool.h>
#include <stdint.h>

#include "contact.h"
#include "h_bridge.h"
#include "lid_motion.h"
#include "protocol.h"

/* A lid's contacts now: true if a contact connects to ground. */
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
    bool is_news; /* still to be reported */
};

/* Initialise a lid after a reset: motor off, position unknown. */
void lid_start(struct lid *lid);

/* Call when the contacts have settled for the first time: a lid found open without a request is shut. */
void lid_find(struct lid *lid, uint32_t now_ms);

/* Return whether the motor must rest before a new lease could drive it. */
bool lid_rests(const struct lid *lid, uint32_t now_ms);

/* Open, or stay open, at most `lease_ms`. */
void lid_open(struct lid *lid, uint16_t lease_ms, uint32_t now_ms);

/* Shut now for this cause, unless something is in the way. */
void lid_shut(struct lid *lid, enum lid_cause cause, uint32_t now_ms);

/* Shut for this cause if there is a lease. */
void lid_end_lease(struct lid *lid, enum lid_cause cause, uint32_t now_ms);

/* Turn the motor off at once and end the lease. */
void lid_stop(struct lid *lid, uint32_t now_ms);

/* Report the position again, for a new link. */
void lid_tell_again(struct lid *lid);

/* Read the contacts and advance the time; then the motor must do `lid->bridge.drive`. */
void lid_turn(struct lid *lid, struct lid_contacts contacts, uint32_t now_ms);

#endif
