#include "wiegand.h"

#include <string.h>

void wiegand_clear(struct wiegand *reader)
{
    memset(reader, 0, sizeof *reader);
}

void wiegand_pulse(struct wiegand *reader, bool bit, uint32_t now_ms)
{
    reader->last_ms = now_ms;
    if (reader->bits >= WIEGAND_BITS_MOST) {
        reader->bits = WIEGAND_BITS_MOST + 1;
        return;
    }
    if (bit) {
        uint8_t at = reader->bits / 8;
        reader->data[at] = (uint8_t)(reader->data[at] | (0x80U >> (reader->bits % 8)));
    }
    reader->bits++;
}

uint8_t wiegand_message(struct wiegand *reader, uint32_t now_ms)
{
    if (reader->bits == 0 || (uint32_t)(now_ms - reader->last_ms) < WIEGAND_PAUSE_MS) {
        return 0;
    }
    if (reader->bits < WIEGAND_BITS_LEAST || reader->bits > WIEGAND_BITS_MOST) {
        wiegand_clear(reader);
        return 0;
    }
    return reader->bits;
}
