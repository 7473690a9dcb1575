/* Sends a link's frames in the order of urgency. */
#include <string.h>

#include "bytes.h"
#include "clock.h"
#include "link.h"
#include "numbers.h"

static size_t emit_welcome(const struct link *link, uint8_t *wire)
{
    const struct link_welcome *own = &link->welcome;
    struct frame frame = {.type = MESSAGE_WELCOME, .length = WELCOME_LENGTH};
    uint8_t *body = frame.body;
    body[0] = link->hello_version;
    body[1] = PROTOCOL_HIGHEST;
    bytes_put_u32(body + 2, link->hello_id);
    bytes_put_u32(body + 6, own->boot_id);
    body[10] = own->lids;
    body[11] = own->wiegand_readers;
    body[12] = own->serial_readers;
    bytes_put_u16(body + 13, own->sensors);
    body[15] = LINK_CREDIT;
    body[16] = FIRMWARE_MAJOR;
    body[17] = FIRMWARE_MINOR;
    body[18] = FIRMWARE_PATCH;
    return frame_write(&frame, wire);
}

static size_t emit_ack(struct link *link, uint8_t *wire)
{
    struct frame frame = {.type = MESSAGE_ACK, .length = ACK_LENGTH};
    uint8_t room = (uint8_t)(LINK_QUEUE - link->count);
    link->given = room < LINK_CREDIT ? room : LINK_CREDIT;
    frame.body[0] = link->taken;
    frame.body[1] = link->given;
    return frame_write(&frame, wire);
}

static size_t emit_heartbeat(const struct link *link, uint8_t *wire, uint32_t now_ms)
{
    struct frame frame = {.type = MESSAGE_HEARTBEAT, .length = HEARTBEAT_LENGTH};
    bytes_put_u32(frame.body, link->welcome.boot_id);
    bytes_put_u32(frame.body + 4, link->link_id);
    bytes_put_u32(frame.body + 8, now_ms);
    return frame_write(&frame, wire);
}

static size_t emit_message(struct link *link, uint8_t *wire, uint32_t now_ms)
{
    const struct link_message *message = &link->queue[(link->head + link->next) % LINK_QUEUE];
    struct frame frame = {.type = message->type, .length = message->length};
    frame.number = numbers_after(link->acked, (uint8_t)(link->next + 1U));
    memcpy(frame.body, message->body, message->length);
    if (link->next == 0) {
        link->sent_ms = now_ms;
    }
    link->next++;
    if (link->under_way < link->next) {
        link->under_way = link->next;
    }
    return frame_write(&frame, wire);
}

size_t link_emit(struct link *link, uint8_t *wire, uint32_t now_ms)
{
    if (link->welcome_due) {
        link->welcome_due = false;
        return emit_welcome(link, wire);
    }
    if (link->ack_due) {
        link->ack_due = false;
        return emit_ack(link, wire);
    }
    if (clock_reached(now_ms, link->beat_ms)) {
        link->beat_ms = now_ms + HEARTBEAT_MS;
        link->ack_due = link->link_id != 0; /* in case an earlier one was lost */
        return emit_heartbeat(link, wire, now_ms);
    }
    if (link->next < link->count && link->next < link->credit) {
        return emit_message(link, wire, now_ms);
    }
    return 0;
}
