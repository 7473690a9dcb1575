/* Collects a serial reader's bytes into pieces for the host, which decodes them. */
#ifndef TZ_SERIAL_READER_H
#define TZ_SERIAL_READER_H

#include <stdbool.h>
#include <stdint.h>

enum {
    SERIAL_PIECE_MOST = 32,
    SERIAL_PAUSE_MS = 5 /* five bytes long at 9,600 baud: the reader has finished */
};

/* Zeroed memory is a reader that has sent nothing. */
struct serial_reader {
    uint8_t bytes[SERIAL_PIECE_MOST];
    uint8_t count;
    uint32_t last_ms;
};

/* Take a byte; false when a full piece still waits to be sent, and the byte is dropped. */
bool serial_reader_byte(struct serial_reader *reader, uint8_t byte, uint32_t now_ms);

/* Whether a piece is to be sent: full, or followed by a pause. */
bool serial_reader_is_due(const struct serial_reader *reader, uint32_t now_ms);

#endif
