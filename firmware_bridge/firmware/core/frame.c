#include "frame.h"

#include <string.h>

#include "bytes.h"

enum { CRC_BYTES = 2, HEAD_BYTES = 3, LEAST_PLAIN = HEAD_BYTES + CRC_BYTES };

static uint16_t crc_after(uint16_t crc, uint8_t byte)
{
    crc = (uint16_t)(crc ^ (uint16_t)((uint16_t)byte << 8));
    for (uint8_t bit = 0; bit < 8; bit++) {
        uint16_t doubled = (uint16_t)(crc << 1);
        crc = (uint16_t)(doubled ^ ((crc & 0x8000U) ? 0x1021U : 0U));
    }
    return crc;
}

uint16_t frame_crc(const uint8_t *bytes, size_t count)
{
    uint16_t crc = 0;
    for (size_t i = 0; i < count; i++) {
        crc = crc_after(crc, bytes[i]);
    }
    return crc;
}

/* A plain frame has at most 69 bytes, so no COBS block reaches 254 bytes and needs a second code. */
static size_t cobs_write(const uint8_t *plain, size_t count, uint8_t *wire)
{
    size_t code_at = 0, written = 1;
    for (size_t i = 0; i < count; i++) {
        if (plain[i] == 0) {
            wire[code_at] = (uint8_t)(written - code_at);
            code_at = written++;
        } else {
            wire[written++] = plain[i];
        }
    }
    wire[code_at] = (uint8_t)(written - code_at);
    wire[written++] = 0;
    return written;
}

/* Decode COBS; return the number of bytes, 0 if the codes do not fit. */
static size_t cobs_read(const uint8_t *coded, size_t count, uint8_t *plain)
{
    size_t read = 0, written = 0;
    while (read < count) {
        size_t block = coded[read++];
        if (block == 0 || block - 1 > count - read) {
            return 0;
        }
        memcpy(plain + written, coded + read, block - 1);
        written += block - 1;
        read += block - 1;
        if (read < count) {
            plain[written++] = 0;
        }
    }
    return written;
}

size_t frame_write(const struct frame *frame, uint8_t *wire)
{
    uint8_t plain[FRAME_PLAIN_MAX];
    if (frame->length > FRAME_BODY_MAX) {
        return 0;
    }
    size_t count = (size_t)HEAD_BYTES + frame->length;
    plain[0] = (uint8_t)(frame->length + 2);
    plain[1] = frame->type;
    plain[2] = frame->number;
    memcpy(plain + HEAD_BYTES, frame->body, frame->length);
    uint16_t check = (uint16_t)(frame_crc(plain, count) ^ 0xFFFFU);
    bytes_put_u16(plain + count, check);
    return cobs_write(plain, count + CRC_BYTES, wire);
}

static bool parse(const uint8_t *plain, size_t count, struct frame *frame)
{
    if (count < LEAST_PLAIN || count > FRAME_PLAIN_MAX || (size_t)plain[0] + 1 + CRC_BYTES != count) {
        return false;
    }
    size_t covered = count - CRC_BYTES;
    uint16_t check = bytes_u16(plain + covered), right = (uint16_t)(frame_crc(plain, covered) ^ 0xFFFFU);
    if (check != right) {
        return false;
    }
    frame->type = plain[1];
    frame->number = plain[2];
    frame->length = (uint8_t)(covered - HEAD_BYTES);
    memcpy(frame->body, plain + HEAD_BYTES, frame->length);
    return true;
}

static bool end_of_frame(struct frame_reader *reader, struct frame *frame)
{
    uint8_t plain[FRAME_WIRE_MAX];
    bool is_empty = reader->count == 0 && !reader->too_long;
    bool is_right = !reader->too_long && parse(plain, cobs_read(reader->bytes, reader->count, plain), frame);
    if (!is_right && !is_empty && reader->dropped < UINT16_MAX) {
        reader->dropped++;
    }
    reader->count = 0;
    reader->too_long = false;
    return is_right;
}

bool frame_read(struct frame_reader *reader, uint8_t byte, struct frame *frame)
{
    if (byte == 0) {
        return end_of_frame(reader, frame);
    }
    if (reader->count == FRAME_WIRE_MAX - 1) {
        reader->too_long = true;
    } else {
        reader->bytes[reader->count++] = byte;
    }
    return false;
}
