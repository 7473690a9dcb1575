/* Bytes <-> frames: COBS, a length byte, CRC-16/XMODEM with a final XOR. docs/protocol.md, "Bytes". */
#ifndef TZ_FRAME_H
#define TZ_FRAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    FRAME_BODY_MAX = 64,
    FRAME_PLAIN_MAX = 1 + 2 + FRAME_BODY_MAX + 2,
    FRAME_WIRE_MAX = FRAME_PLAIN_MAX + 2 /* one COBS code (a frame fits one block) and the final zero */
};

struct frame {
    uint8_t type;
    uint8_t number; /* 0 if not numbered */
    uint8_t length; /* of the body */
    uint8_t body[FRAME_BODY_MAX];
};

/* Collects bytes until a zero. Zeroed memory is a new reader. */
struct frame_reader {
    uint8_t bytes[FRAME_WIRE_MAX];
    uint8_t count;
    bool too_long;
    uint16_t dropped; /* frames with a wrong length, CRC or COBS; at most 65535 */
};

/* Return CRC-16/XMODEM without the final XOR. */
uint16_t frame_crc(const uint8_t *bytes, size_t count);

/* Encode a frame for the wire; return its bytes, 0 for a body longer than FRAME_BODY_MAX.
 * `wire` has room for FRAME_WIRE_MAX. */
size_t frame_write(const struct frame *frame, uint8_t *wire);

/* Take one byte; true if it completed a frame, which is then in `frame`. */
bool frame_read(struct frame_reader *reader, uint8_t byte, struct frame *frame);

#endif
