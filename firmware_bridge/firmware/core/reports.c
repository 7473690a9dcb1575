#include "reports.h"

#include <string.h>

#include "bytes.h"

void reports_drop_tap(struct core *core)
{
    if (core->taps_dropped < UINT16_MAX) {
        core->taps_dropped++;
    }
}

static void tell_lids(struct core *core)
{
    for (uint8_t i = 0; i < core->fitted.lids; i++) {
        struct lid *lid = &core->lids[i];
        const uint8_t body[3] = {i, lid->position, lid->cause};
        if (lid->is_news && link_send(&core->link, MESSAGE_LID, body, sizeof body)) {
            lid->is_news = false;
        }
    }
}

static void tell_sensors(struct core *core, uint32_t now_ms)
{
    struct sensor *sensor;
    while (link_has_room(&core->link) && (sensor = sensors_due(&core->sensors, now_ms)) != NULL) {
        uint8_t body[6] = {sensor->kind, sensor->index};
        bytes_put_u32(body + 2, (uint32_t)sensor->value);
        link_send(&core->link, MESSAGE_SENSOR, body, sizeof body);
        sensors_told(sensor, now_ms);
    }
}

static void tell_wiegand(struct core *core, uint8_t index, uint32_t now_ms)
{
    struct wiegand *reader = &core->wiegand[index];
    uint8_t bits = wiegand_message(reader, now_ms);
    if (bits == 0) {
        return;
    }
    uint8_t bytes = (uint8_t)((bits + 7U) / 8U);
    uint8_t body[2 + WIEGAND_BITS_MOST / 8] = {index, bits};
    memcpy(body + 2, reader->data, bytes);
    if (!link_send(&core->link, MESSAGE_WIEGAND, body, (uint8_t)(2U + bytes))) {
        reports_drop_tap(core);
    }
    wiegand_clear(reader);
}

static void tell_serial(struct core *core, uint8_t index, uint32_t now_ms)
{
    struct serial_reader *reader = &core->serial[index];
    if (!serial_reader_is_due(reader, now_ms)) {
        return;
    }
    uint8_t body[1 + SERIAL_PIECE_MOST] = {index};
    memcpy(body + 1, reader->bytes, reader->count);
    if (!link_send(&core->link, MESSAGE_SERIAL, body, (uint8_t)(1U + reader->count))) {
        reports_drop_tap(core);
    }
    reader->count = 0;
}

void reports_tell(struct core *core, uint32_t now_ms)
{
    tell_lids(core);
    for (uint8_t i = 0; i < core->fitted.wiegand_readers; i++) {
        tell_wiegand(core, i, now_ms);
    }
    for (uint8_t i = 0; i < core->fitted.serial_readers; i++) {
        tell_serial(core, i, now_ms);
    }
    tell_sensors(core, now_ms);
}
