#include "turn.h"

#include "hal.h"

/* The most that one turn takes of each input, so that no input can delay the lids. */
enum { BYTES_A_TURN = 64, EVENTS_A_TURN = 16 };

static void take_bytes(struct core *core, uint32_t now_ms)
{
    uint8_t byte;
    for (uint8_t i = 0; i < BYTES_A_TURN && hal_receive(&byte); i++) {
        core_receive(core, byte, now_ms);
    }
}

static void take_readings(struct core *core, uint32_t now_ms)
{
    uint8_t which, byte;
    bool bit;
    enum sensor_kind kind;
    int32_t value;
    for (uint8_t i = 0; i < EVENTS_A_TURN && hal_wiegand(&which, &bit); i++) {
        core_wiegand(core, which, bit, now_ms);
    }
    for (uint8_t i = 0; i < EVENTS_A_TURN && hal_serial(&which, &byte); i++) {
        core_serial(core, which, byte, now_ms);
    }
    for (uint8_t i = 0; i < EVENTS_A_TURN && hal_measured(&kind, &which, &value); i++) {
        core_measured(core, kind, which, value);
    }
}

static void send(struct core *core, uint32_t now_ms)
{
    uint8_t wire[FRAME_WIRE_MAX];
    size_t count;
    while (hal_send_room() >= FRAME_WIRE_MAX && (count = core_emit(core, wire, now_ms)) > 0) {
        hal_send(wire, count);
    }
}

void turn(struct core *core)
{
    struct core_inputs inputs;
    uint32_t now_ms = hal_now_ms();
    take_bytes(core, now_ms);
    take_readings(core, now_ms);
    hal_contacts(&inputs);
    core_step(core, &inputs, now_ms);
    bool is_sane = core_is_sane(core);
    for (uint8_t lid = 0; lid < LIDS_MOST; lid++) {
        hal_drive(lid, is_sane ? core_drive(core, lid) : DRIVE_OFF);
    }
    send(core, now_ms);
    if (is_sane) {
        hal_pet();
    }
}
