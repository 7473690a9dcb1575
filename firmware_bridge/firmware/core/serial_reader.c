#include "serial_reader.h"

bool serial_reader_byte(struct serial_reader *reader, uint8_t byte, uint32_t now_ms)
{
    if (reader->count == SERIAL_PIECE_MOST) {
        return false;
    }
    reader->bytes[reader->count++] = byte;
    reader->last_ms = now_ms;
    return true;
}

bool serial_reader_is_due(const struct serial_reader *reader, uint32_t now_ms)
{
    bool paused = (uint32_t)(now_ms - reader->last_ms) >= SERIAL_PAUSE_MS;
    return reader->count == SERIAL_PIECE_MOST || (reader->count > 0 && paused);
}
