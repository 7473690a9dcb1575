/* Turns bytes into a device's input: noise and frames from a host, contacts, readers, time. After each step it
 * checks the rules of motors that no fault may break. */
#include "target.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bytes.h"
#include "core.h"

#define REQUIRE(rule)                                   \
    do {                                                \
        if (!(rule)) {                                  \
            fprintf(stderr, "broken: %s\n", #rule);     \
            abort();                                    \
        }                                               \
    } while (0)

enum { BOOT_ID = 77, TICK_MS = 5, DRIVE_SLACK_MS = 2 * TICK_MS };

struct life {
    const uint8_t *data;
    size_t left;
    struct core core;
    struct core_inputs inputs;
    uint32_t now_ms;
    enum drive drove[LIDS_MOST];         /* in the step before */
    enum drive drove_last[LIDS_MOST];    /* its last direction */
    uint32_t ended_ms[LIDS_MOST];
};

static uint8_t next(struct life *life)
{
    if (life->left == 0) {
        return 0;
    }
    life->left--;
    return *life->data++;
}

static void check_lid(struct life *life, uint8_t i)
{
    const struct lid *lid = &life->core.lids[i];
    enum drive drive = core_drive(&life->core, i);
    bool both = contact_is_on(&lid->opened) && contact_is_on(&lid->closed);
    bool has_lease = lid->motion.phase == PHASE_OPENING;
    REQUIRE(drive == DRIVE_OFF || !both);
    REQUIRE(drive == DRIVE_OFF || !life->core.motors_stopped);
    REQUIRE(drive != DRIVE_OPEN || has_lease || lid->motion.phase == PHASE_REVERSING);
    REQUIRE(!has_lease || (int32_t)(lid->motion.lease_until_ms - life->now_ms) > 0);
    REQUIRE(lid->motion.lease_until_ms - life->now_ms <= LEASE_MOST_MS || !has_lease);
    if (drive != DRIVE_OFF && drive != life->drove[i]) {
        bool turned_round = life->drove_last[i] != DRIVE_OFF && life->drove_last[i] != drive;
        /* STOP_MOTORS stops a motor when it is received; this check sees it one tick later. */
        REQUIRE(!turned_round || life->now_ms - life->ended_ms[i] >= BRIDGE_REST_MS - TICK_MS);
    }
    if (drive == DRIVE_OFF && life->drove[i] != DRIVE_OFF) {
        life->ended_ms[i] = life->now_ms;
    }
    /* Counted from the phase's beginning: a request to shut and then to open begins a new drive. */
    REQUIRE(drive == DRIVE_OFF || life->now_ms - lid->motion.since_ms <= lid->times.drive_ms + DRIVE_SLACK_MS);
    life->drove[i] = drive;
    life->drove_last[i] = drive == DRIVE_OFF ? life->drove_last[i] : drive;
}

static void pass(struct life *life, uint32_t ms)
{
    uint8_t wire[FRAME_WIRE_MAX];
    for (uint32_t passed = 0; passed < ms; passed += TICK_MS) {
        life->now_ms += TICK_MS;
        core_step(&life->core, &life->inputs, life->now_ms);
        for (uint8_t i = 0; i < LIDS_MOST; i++) {
            check_lid(life, i);
        }
        REQUIRE(core_is_sane(&life->core));
        size_t count;
        while ((count = core_emit(&life->core, wire, life->now_ms)) > 0) {
            REQUIRE(count <= FRAME_WIRE_MAX && wire[count - 1] == 0);
        }
    }
}

static void say(struct life *life, const struct frame *frame)
{
    uint8_t wire[FRAME_WIRE_MAX];
    size_t count = frame_write(frame, wire);
    for (size_t i = 0; i < count; i++) {
        core_receive(&life->core, wire[i], life->now_ms);
    }
}

static void say_numbered(struct life *life, uint8_t type, uint8_t most)
{
    struct frame frame = {.type = type, .number = life->core.link.expected};
    frame.length = (uint8_t)(next(life) % (most + 1U));
    for (uint8_t i = 0; i < frame.length; i++) {
        frame.body[i] = next(life);
    }
    say(life, &frame);
}

static void say_hello(struct life *life)
{
    struct frame frame = {.type = MESSAGE_HELLO, .length = 7, .body = {1, 1}};
    frame.body[2] = next(life);
    frame.body[6] = next(life);
    say(life, &frame);
}

static void say_open(struct life *life)
{
    struct frame frame = {.type = MESSAGE_OPEN_LID, .number = life->core.link.expected, .length = 3};
    frame.body[0] = next(life) % 9;
    bytes_put_u16(frame.body + 1, (uint16_t)(next(life) * 300U));
    say(life, &frame);
}

static void say_ack(struct life *life)
{
    struct frame frame = {.type = MESSAGE_ACK, .length = 2};
    frame.body[0] = (uint8_t)(life->core.link.acked + next(life) % 18);
    frame.body[1] = next(life);
    say(life, &frame);
}

static void say_noise(struct life *life)
{
    for (uint8_t count = next(life); count > 0; count--) {
        core_receive(&life->core, next(life), life->now_ms);
    }
}

static void tap(struct life *life)
{
    uint8_t what = next(life), many = next(life) % 80;
    for (uint8_t i = 0; i < many; i++) {
        core_wiegand(&life->core, what % 6, (i & what) != 0, life->now_ms);
        core_serial(&life->core, what % 4, i, life->now_ms);
    }
    core_measured(&life->core, (enum sensor_kind)(what % 8), what % 5, (int32_t)((uint32_t)what << 24));
}

static void set_contacts(struct life *life)
{
    life->inputs.opened = next(life);
    life->inputs.closed = next(life);
    life->inputs.free = next(life);
    uint8_t alarms = next(life);
    life->inputs.smoke = (alarms & 0x11U) == 0x11U; /* rarely: otherwise no lid would ever open */
    life->inputs.door_open = (alarms & 2U) != 0;
    life->inputs.panic = (alarms & 0x2CU) == 0x2CU;
}

static void live(struct life *life)
{
    switch (next(life) % 9) {
    case 0:
        say_noise(life);
        break;
    case 1:
        say_hello(life);
        break;
    case 2:
        say_open(life);
        break;
    case 3:
        say_numbered(life, (uint8_t)(MESSAGE_SET_LID + next(life) % 6), 9);
        break;
    case 4:
        say_numbered(life, next(life), FRAME_BODY_MAX);
        break;
    case 5:
        say_ack(life);
        break;
    case 6:
        tap(life);
        break;
    case 7:
        set_contacts(life);
        break;
    default:
        pass(life, next(life) * 8U);
        break;
    }
    pass(life, TICK_MS);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct core_fitted FITTED = {
        .lids = 8, .wiegand_readers = 4, .serial_readers = 2, .sensors = {4, 2, 1, 1, 1, 1, 1}};
    struct life life;
    memset(&life, 0, sizeof life);
    life.data = data;
    life.left = size;
    life.inputs.free = 0xFF;
    life.now_ms = (uint32_t)next(&life) << 24; /* so that the clock wraps in some lives */
    life.now_ms -= 2000;
    core_start(&life.core, &FITTED, BOOT_ID, life.now_ms);
    while (life.left > 0) {
        live(&life);
    }
    pass(&life, 2 * LEASE_MOST_MS / 1000);
    return 0;
}
