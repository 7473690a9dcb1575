#include "core.h"

#include <string.h>

#include "commands.h"
#include "reports.h"

static const struct settling ALARM = {20, 200}; /* a button that bounces on release stays pressed */
static const struct settling DOOR = {50, 50};

enum { SETTLES_MS = 60 }; /* longer than any contact needs to report an alarm */

static uint8_t at_most(uint8_t value, uint8_t most)
{
    return value < most ? value : most;
}

void core_start(struct core *core, const struct core_fitted *fitted, uint32_t boot_id, uint32_t now_ms)
{
    memset(core, 0, sizeof *core);
    core->started_ms = now_ms;
    core->fitted = *fitted;
    core->fitted.lids = at_most(fitted->lids, LIDS_MOST);
    core->fitted.wiegand_readers = at_most(fitted->wiegand_readers, WIEGAND_MOST);
    core->fitted.serial_readers = at_most(fitted->serial_readers, SERIAL_MOST);
    sensors_start(&core->sensors, fitted->sensors);
    for (uint8_t i = 0; i < core->fitted.lids; i++) {
        lid_start(&core->lids[i]);
    }
    struct link_welcome welcome = {boot_id, sensors_kinds(&core->sensors), core->fitted.lids,
                                   core->fitted.wiegand_readers, core->fitted.serial_readers};
    link_start(&core->link, &welcome, now_ms);
}

static void end_leases(struct core *core, enum lid_cause cause, uint32_t now_ms)
{
    for (uint8_t i = 0; i < core->fitted.lids; i++) {
        lid_end_lease(&core->lids[i], cause, now_ms);
    }
}

static void begin_link(struct core *core, uint32_t now_ms)
{
    end_leases(core, CAUSE_HOST_SILENT, now_ms);
    for (uint8_t i = 0; i < core->fitted.lids; i++) {
        lid_tell_again(&core->lids[i]);
    }
    sensors_tell_again(&core->sensors);
}

static void obey(struct core *core, const struct frame *frame, uint32_t now_ms)
{
    enum refusal refusal = command_check(core, frame, now_ms);
    if (refusal == REFUSAL_NONE) {
        command_do(core, frame, now_ms);
    } else {
        const uint8_t body[2] = {frame->number, (uint8_t)refusal};
        if (!link_answer(&core->link, MESSAGE_REFUSED, body, sizeof body)) {
            return; /* not accepted: a host that exceeded its credit sends it again */
        }
    }
    link_take(&core->link);
}

static void happened(struct core *core, enum link_event event, uint32_t now_ms)
{
    switch (event) {
    case LINK_BEGAN:
        begin_link(core, now_ms);
        break;
    case LINK_GONE:
    case LINK_SILENT:
        end_leases(core, CAUSE_HOST_SILENT, now_ms);
        break;
    case LINK_MESSAGE:
    case LINK_NOTHING:
        break;
    }
}

void core_receive(struct core *core, uint8_t byte, uint32_t now_ms)
{
    struct frame frame;
    if (!frame_read(&core->reader, byte, &frame)) {
        return;
    }
    enum link_event event = link_receive(&core->link, &frame, now_ms);
    if (event == LINK_MESSAGE) {
        obey(core, &frame, now_ms);
    } else {
        happened(core, event, now_ms);
    }
}

void core_wiegand(struct core *core, uint8_t reader, bool bit, uint32_t now_ms)
{
    if (reader < core->fitted.wiegand_readers) {
        wiegand_pulse(&core->wiegand[reader], bit, now_ms);
    }
}

void core_serial(struct core *core, uint8_t reader, uint8_t byte, uint32_t now_ms)
{
    if (reader < core->fitted.serial_readers && !serial_reader_byte(&core->serial[reader], byte, now_ms)) {
        reports_drop_tap(core);
    }
}

void core_measured(struct core *core, enum sensor_kind kind, uint8_t index, int32_t value)
{
    sensors_read(&core->sensors, kind, index, value);
}

static void read_contact(struct core *core, enum sensor_kind kind, struct contact *contact, bool raw, uint32_t now_ms)
{
    if (contact_read(contact, raw, now_ms, kind == SENSOR_DOOR ? DOOR : ALARM)) {
        sensors_read(&core->sensors, kind, 0, contact_is_on(contact));
    }
}

static void read_contacts(struct core *core, const struct core_inputs *inputs, uint32_t now_ms)
{
    read_contact(core, SENSOR_SMOKE, &core->smoke, inputs->smoke, now_ms);
    read_contact(core, SENSOR_DOOR, &core->door, inputs->door_open, now_ms);
    read_contact(core, SENSOR_PANIC, &core->panic, inputs->panic, now_ms);
    if (contact_is_on(&core->panic) && !core->motors_stopped) {
        command_stop_motors(core, now_ms);
    }
    if (contact_is_on(&core->smoke)) {
        end_leases(core, CAUSE_SMOKE, now_ms);
    }
}

static void settle(struct core *core, uint32_t now_ms)
{
    if ((uint32_t)(now_ms - core->started_ms) < SETTLES_MS) {
        return;
    }
    core->has_settled = true;
    sensors_read(&core->sensors, SENSOR_SMOKE, 0, contact_is_on(&core->smoke));
    sensors_read(&core->sensors, SENSOR_DOOR, 0, contact_is_on(&core->door));
    sensors_read(&core->sensors, SENSOR_PANIC, 0, contact_is_on(&core->panic));
    for (uint8_t i = 0; i < core->fitted.lids && !core->motors_stopped; i++) {
        lid_find(&core->lids[i], now_ms);
    }
}

static void turn_lids(struct core *core, const struct core_inputs *inputs, uint32_t now_ms)
{
    for (uint8_t i = 0; i < core->fitted.lids; i++) {
        uint8_t bit = (uint8_t)(1U << i);
        struct lid_contacts contacts = {
            (inputs->opened & bit) != 0, (inputs->closed & bit) != 0, (inputs->free & bit) != 0};
        lid_turn(&core->lids[i], contacts, now_ms);
    }
}

void core_step(struct core *core, const struct core_inputs *inputs, uint32_t now_ms)
{
    happened(core, link_step(&core->link, now_ms), now_ms);
    read_contacts(core, inputs, now_ms);
    turn_lids(core, inputs, now_ms);
    if (!core->has_settled) {
        settle(core, now_ms);
        return; /* "unknown" a moment before "shut" would tell the host nothing */
    }
    reports_tell(core, now_ms);
}

enum drive core_drive(const struct core *core, uint8_t lid)
{
    return lid < core->fitted.lids ? (enum drive)core->lids[lid].bridge.drive : DRIVE_OFF;
}

size_t core_emit(struct core *core, uint8_t *wire, uint32_t now_ms)
{
    return link_emit(&core->link, wire, now_ms);
}

bool core_is_sane(const struct core *core)
{
    const struct link *link = &core->link;
    bool is_sane = core->fitted.lids <= LIDS_MOST && link->count <= LINK_QUEUE && link->head < LINK_QUEUE &&
                   link->under_way <= link->count && core->reader.count < FRAME_WIRE_MAX;
    for (uint8_t i = 0; i < core->fitted.lids && i < LIDS_MOST; i++) {
        const struct lid *lid = &core->lids[i];
        bool may_drive = !core->motors_stopped || lid->bridge.drive == DRIVE_OFF;
        is_sane = is_sane && may_drive && lid->motion.phase <= PHASE_LEFT_OPEN && lid->bridge.drive <= DRIVE_SHUT;
    }
    return is_sane;
}
