/* Debounces a contact: a level counts once it has been stable for a while (as edge/hardware/debounce.py). */
#ifndef TZ_CONTACT_H
#define TZ_CONTACT_H

#include <stdbool.h>
#include <stdint.h>

/* How long a level must be stable before it counts. */
struct settling {
    uint16_t on_ms;
    uint16_t off_ms;
};

/* Zeroed memory is a contact that was never read. */
struct contact {
    uint32_t since_ms; /* when `raw` was first read */
    bool raw;
    bool is_read;    /* whether it was ever read */
    bool level;      /* the settled level, if any */
    bool is_settled; /* whether a level has settled yet */
};

/* Take a reading; true if the settled level changed or settled for the first time. */
bool contact_read(struct contact *contact, bool raw, uint32_t now_ms, struct settling settling);

/* Return the settled level; false if none has settled. */
static inline bool contact_is_on(const struct contact *contact)
{
    return contact->is_settled && contact->level;
}

/* Return whether taking this reading would change nothing. */
static inline bool contact_is_steady(const struct contact *contact, bool raw)
{
    return contact->is_settled && contact->level == raw && contact->raw == raw;
}

#endif
