#include "contact.h"

bool contact_read(struct contact *contact, bool raw, uint32_t now_ms, struct settling settling)
{
    if (contact_is_steady(contact, raw)) {
        return false;
    }
    if (!contact->is_read || raw != contact->raw) {
        contact->raw = raw;
        contact->is_read = true;
        contact->since_ms = now_ms;
    }
    if (contact->is_settled && contact->level == raw) {
        return false;
    }
    if ((uint32_t)(now_ms - contact->since_ms) < (raw ? settling.on_ms : settling.off_ms)) {
        return false;
    }
    contact->level = raw;
    contact->is_settled = true;
    return true;
}
