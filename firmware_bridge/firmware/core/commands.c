#include "commands.h"

#include "bytes.h"

enum { SET_LID_LENGTH = 8, OPEN_LID_LENGTH = 3, END_LEASE_LENGTH = 1 };

static bool is_length_right(const struct frame *frame)
{
    switch (frame->type) {
    case MESSAGE_SET_LID:
        return frame->length == SET_LID_LENGTH;
    case MESSAGE_OPEN_LID:
        return frame->length == OPEN_LID_LENGTH;
    case MESSAGE_END_LEASE:
        return frame->length == END_LEASE_LENGTH;
    default:
        return frame->length == 0;
    }
}

static bool are_times_right(const uint8_t *body)
{
    uint16_t travel_ms = bytes_u16(body + 1);
    uint8_t tries = body[7];
    return travel_ms >= TRAVEL_LEAST_MS && travel_ms <= TRAVEL_MOST_MS && tries >= 1 && tries <= TRIES_MOST;
}

static enum refusal check_open(const struct core *core, const uint8_t *body, uint32_t now_ms)
{
    uint16_t lease_ms = bytes_u16(body + 1);
    if (lease_ms == 0) {
        return REFUSAL_NONE; /* same as END_LEASE */
    }
    if (core->motors_stopped) {
        return REFUSAL_MOTORS_STOPPED;
    }
    if (contact_is_on(&core->smoke)) {
        return REFUSAL_SMOKE;
    }
    return lid_rests(&core->lids[body[0]], now_ms) ? REFUSAL_MOTOR_RESTS : REFUSAL_NONE;
}

/* In this order, like the host's decoder: bounds, then whether the lid exists, then the present state. */
static enum refusal check_lid(const struct core *core, const struct frame *frame, uint32_t now_ms)
{
    const uint8_t *body = frame->body;
    if (frame->type == MESSAGE_SET_LID && !are_times_right(body)) {
        return REFUSAL_MALFORMED;
    }
    if (frame->type == MESSAGE_OPEN_LID && bytes_u16(body + 1) > LEASE_MOST_MS) {
        return REFUSAL_LEASE_TOO_LONG;
    }
    if (body[0] >= core->fitted.lids) {
        return REFUSAL_NO_SUCH_LID;
    }
    return frame->type == MESSAGE_OPEN_LID ? check_open(core, body, now_ms) : REFUSAL_NONE;
}

enum refusal command_check(const struct core *core, const struct frame *frame, uint32_t now_ms)
{
    if (frame->type < MESSAGE_SET_LID || frame->type > MESSAGE_RESUME) {
        return REFUSAL_UNKNOWN_TYPE;
    }
    if (!is_length_right(frame)) {
        return REFUSAL_MALFORMED;
    }
    if (frame->type <= MESSAGE_END_LEASE) {
        return check_lid(core, frame, now_ms);
    }
    bool is_panic_held = frame->type == MESSAGE_RESUME && contact_is_on(&core->panic);
    return is_panic_held ? REFUSAL_MOTORS_STOPPED : REFUSAL_NONE;
}

static void set_lid(struct core *core, const uint8_t *body)
{
    core->lids[body[0]].times = (struct lid_times){
        lid_drive_ms(bytes_u16(body + 1)), bytes_u16(body + 3), bytes_u16(body + 5), body[7]};
}

void command_stop_motors(struct core *core, uint32_t now_ms)
{
    core->motors_stopped = true;
    for (uint8_t i = 0; i < core->fitted.lids; i++) {
        lid_stop(&core->lids[i], now_ms);
    }
}

static void end_lease(struct core *core, uint8_t lid, uint32_t now_ms)
{
    if (!core->motors_stopped) {
        lid_shut(&core->lids[lid], CAUSE_ASKED, now_ms);
    }
}

static void open_lid(struct core *core, const uint8_t *body, uint32_t now_ms)
{
    uint16_t lease_ms = bytes_u16(body + 1);
    if (lease_ms == 0) {
        end_lease(core, body[0], now_ms);
    } else {
        lid_open(&core->lids[body[0]], lease_ms, now_ms);
    }
}

void command_do(struct core *core, const struct frame *frame, uint32_t now_ms)
{
    switch (frame->type) {
    case MESSAGE_SET_LID:
        set_lid(core, frame->body);
        break;
    case MESSAGE_OPEN_LID:
        open_lid(core, frame->body, now_ms);
        break;
    case MESSAGE_END_LEASE:
        end_lease(core, frame->body[0], now_ms);
        break;
    case MESSAGE_STOP_MOTORS:
        command_stop_motors(core, now_ms);
        break;
    default: /* RESUME: no other type passes the check */
        core->motors_stopped = false;
        break;
    }
}
