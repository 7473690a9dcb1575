/* Collects a serial reader's bytes into pieces; the host decodes them. */
#ifndef TZ_SERIAL_READER_H
#define TZ_SERIAL_READER_H

#include <stdbool.h>
#include <stdint.h>

enum {
    SERIAL_PIECE_MOST = 32,
    SERIAL_PAUSE_MS = 5 /* the time of five bytes at 9,600 baud: the reader has finished */
};

/* Zeroed memory is a reader that has sent nothing. */
struct serial_reader {
    uint8_t bytes[SERIAL_PIECE_MOST];
    uint8_t count;
    uint32_t last_ms;
};

/* Take a byte; false if it is dropped because a full piece still waits to be sent. */
bool serial_reader_byte(struct serial_reader *reader, uint8_t byte, uint32_t now_ms);

/* Return whether a piece must be sent: it is full, or a pause has followed. */
bool serial_reader_is_due(const struct serial_reader *reader, uint32_t now_ms);

#endif
