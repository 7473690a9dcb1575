/* A contact's settled level: what it says once it has said it for a while (edge/hardware/debounce.py). */
#ifndef TZ_CONTACT_H
#define TZ_CONTACT_H

#include <stdbool.h>
#include <stdint.h>

/* How long a level must stand before it counts. */
struct settling {
    uint16_t on_ms;
    uint16_t off_ms;
};

/* Zeroed memory is a contact never read. */
struct contact {
    uint32_t since_ms; /* when `raw` was read first */
    bool raw;
    bool is_read;    /* whether it was ever read */
    bool level;      /* the settled level, if any */
    bool is_settled; /* whether a level has settled yet */
};

/* Take a reading; true when the settled level changed, also from none to one. */
bool contact_read(struct contact *contact, bool raw, uint32_t now_ms, struct settling settling);

/* The settled level; false while none has settled. */
static inline bool contact_is_on(const struct contact *contact)
{
    return contact->is_settled && contact->level;
}

/* Whether this reading is as all were for a while: taking it would change nothing. */
static inline bool contact_is_steady(const struct contact *contact, bool raw)
{
    return contact->is_settled && contact->level == raw && contact->raw == raw;
}

#endif
