#include "link.h"

#include <string.h>

#include "bytes.h"
#include "numbers.h"
#include "protocol.h"

void link_start(struct link *link, const struct link_welcome *welcome, uint32_t now_ms)
{
    memset(link, 0, sizeof *link);
    link->welcome = *welcome;
    link->beat_ms = now_ms;
}

static void forget(struct link *link)
{
    link->link_id = 0;
    link->expected = 1;
    link->taken = link->acked = 0;
    link->head = link->count = link->next = link->under_way = 0;
    link->resends = 0;
    link->wait_ms = RESEND_FIRST_MS;
    link->given = LINK_CREDIT;
    link->is_silent = link->ack_due = false;
}

static uint8_t chosen_version(const uint8_t *hello)
{
    uint8_t lowest = hello[0], highest = hello[1];
    if (lowest > PROTOCOL_HIGHEST || highest < PROTOCOL_LOWEST || lowest > highest) {
        return 0;
    }
    return highest < PROTOCOL_HIGHEST ? highest : PROTOCOL_HIGHEST;
}

static enum link_event hello(struct link *link, const struct frame *frame, uint32_t now_ms)
{
    uint32_t id = frame->length < HELLO_LENGTH ? 0 : bytes_u32(frame->body + 2);
    if (id == 0) {
        return LINK_NOTHING;
    }
    link->welcome_due = true;
    if (id == link->link_id) {
        return LINK_NOTHING;
    }
    bool had_link = link->link_id != 0;
    forget(link);
    link->hello_id = id;
    link->hello_version = chosen_version(frame->body);
    if (link->hello_version == 0) {
        return had_link ? LINK_GONE : LINK_NOTHING;
    }
    link->link_id = id;
    link->credit = frame->body[6];
    link->heard_ms = link->beat_ms = now_ms;
    return LINK_BEGAN;
}

static void heard(struct link *link, uint32_t now_ms)
{
    link->heard_ms = now_ms;
    link->is_silent = false;
}

static void drop_acknowledged(struct link *link, uint8_t number, uint8_t many, uint32_t now_ms)
{
    link->acked = number;
    link->head = (uint8_t)((link->head + many) % LINK_QUEUE);
    link->count = (uint8_t)(link->count - many);
    link->next = link->next > many ? (uint8_t)(link->next - many) : 0;
    link->under_way = (uint8_t)(link->under_way - many);
    link->resends = 0;
    link->wait_ms = RESEND_FIRST_MS;
    link->sent_ms = now_ms;
    link->ack_due = link->ack_due || link->given < LINK_CREDIT; /* there is room again */
}

static void acknowledged(struct link *link, const struct frame *frame, uint32_t now_ms)
{
    uint8_t number = frame->body[0];
    bool is_none = number == 0;
    uint8_t many = is_none ? 0 : numbers_between(link->acked, number);
    if (frame->length != ACK_LENGTH) {
        return;
    }
    heard(link, now_ms);
    if (many > link->under_way || (is_none && link->acked != 0)) {
        return; /* acknowledges a number never sent: not from a host of this link */
    }
    if (many > 0) {
        drop_acknowledged(link, number, many, now_ms);
    }
    link->credit = frame->body[1];
    if (link->next > link->credit) {
        link->next = link->credit;
    }
}

static void beaten(struct link *link, const struct frame *frame, uint32_t now_ms)
{
    bool is_ours = frame->length == HEARTBEAT_LENGTH && bytes_u32(frame->body) == link->link_id &&
                   bytes_u32(frame->body + 4) == link->welcome.boot_id;
    if (is_ours) {
        heard(link, now_ms);
    }
}

static enum link_event numbered(struct link *link, const struct frame *frame, uint32_t now_ms)
{
    if (frame->number == link->expected) {
        heard(link, now_ms);
        return LINK_MESSAGE;
    }
    if (numbers_between(frame->number, link->expected) <= NUMBERS_BEHIND) {
        heard(link, now_ms);
        link->ack_due = true;
    }
    return LINK_NOTHING;
}

static bool is_unnumbered(uint8_t type)
{
    return type >= MESSAGE_HELLO && type <= MESSAGE_HEARTBEAT;
}

enum link_event link_receive(struct link *link, const struct frame *frame, uint32_t now_ms)
{
    if (is_unnumbered(frame->type) != (frame->number == 0)) {
        return LINK_NOTHING;
    }
    if (frame->type == MESSAGE_HELLO) {
        return hello(link, frame, now_ms);
    }
    if (link->link_id == 0) {
        return LINK_NOTHING;
    }
    if (frame->number != 0) {
        return numbered(link, frame, now_ms);
    }
    if (frame->type == MESSAGE_ACK) {
        acknowledged(link, frame, now_ms);
    } else if (frame->type == MESSAGE_HEARTBEAT) {
        beaten(link, frame, now_ms);
    }
    return LINK_NOTHING;
}

void link_take(struct link *link)
{
    link->taken = link->expected;
    link->expected = numbers_after(link->expected, 1);
    link->ack_due = true;
}

enum link_event link_step(struct link *link, uint32_t now_ms)
{
    if (link->link_id == 0) {
        return LINK_NOTHING;
    }
    bool waits = link->under_way > 0 && link->next > 0; /* not while credit holds back sent messages */
    if (waits && (uint32_t)(now_ms - link->sent_ms) >= link->wait_ms) {
        if (link->resends == RESENDS_MOST) {
            forget(link);
            return LINK_GONE;
        }
        link->resends++;
        link->wait_ms = link->wait_ms < RESEND_LAST_MS ? (uint16_t)(2 * link->wait_ms) : RESEND_LAST_MS;
        link->sent_ms = now_ms;
        link->next = 0;
    }
    if (!link->is_silent && (uint32_t)(now_ms - link->heard_ms) >= SILENCE_MS) {
        link->is_silent = true;
        return LINK_SILENT;
    }
    return LINK_NOTHING;
}

bool link_has_room(const struct link *link)
{
    return link->link_id != 0 && link->count < LINK_REPORTS;
}

bool link_send(struct link *link, uint8_t type, const uint8_t *body, uint8_t length)
{
    return link_has_room(link) && link_answer(link, type, body, length);
}

bool link_answer(struct link *link, uint8_t type, const uint8_t *body, uint8_t length)
{
    if (link->link_id == 0 || link->count == LINK_QUEUE || length > LINK_SENT_BODY_MAX) {
        return false;
    }
    struct link_message *message = &link->queue[(link->head + link->count) % LINK_QUEUE];
    message->type = type;
    message->length = length;
    memcpy(message->body, body, length);
    link->count++;
    return true;
}
