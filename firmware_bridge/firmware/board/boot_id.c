#include <avr/eeprom.h>

#include "parts.h"

/* Counts the starts. Each start writes another slot, so that even a board that restarts four times a second
 * takes weeks to wear out its EEPROM (100,000 writes a cell). A slot whose halves disagree was interrupted by
 * a power cut; its count was never used. */
enum { SLOTS = 64 };

struct slot {
    uint32_t count;
    uint32_t inverted;
};

static struct slot slots[SLOTS] EEMEM;

uint32_t boot_id_next(void)
{
    uint32_t newest = 0;
    uint8_t newest_at = SLOTS - 1;
    for (uint8_t i = 0; i < SLOTS; i++) {
        struct slot slot;
        eeprom_read_block(&slot, &slots[i], sizeof slot);
        if (slot.count == ~slot.inverted && slot.count > newest) {
            newest = slot.count;
            newest_at = i;
        }
    }
    struct slot next = {newest == UINT32_MAX ? 1U : newest + 1U, 0};
    next.inverted = ~next.count;
    eeprom_update_block(&next, &slots[(newest_at + 1U) % SLOTS], sizeof next);
    return next.count;
}
