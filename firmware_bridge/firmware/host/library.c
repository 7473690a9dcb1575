#include "library.h"

size_t library_core_size(void)
{
    return sizeof(struct core);
}

void library_start(struct core *core, uint8_t lids, uint32_t boot_id, uint32_t now_ms)
{
    struct core_fitted fitted = {
        .lids = lids, .wiegand_readers = WIEGAND_MOST, .serial_readers = SERIAL_MOST, .sensors = {4, 4, 1, 1, 1, 1, 1}};
    core_start(core, &fitted, boot_id, now_ms);
}

void library_step(struct core *core, uint8_t opened, uint8_t closed, uint8_t free, uint8_t alarms, uint32_t now_ms)
{
    struct core_inputs inputs = {
        .opened = opened,
        .closed = closed,
        .free = free,
        .smoke = (alarms & 1U) != 0,
        .door_open = (alarms & 2U) != 0,
        .panic = (alarms & 4U) != 0,
    };
    core_step(core, &inputs, now_ms);
}

void library_receive(struct core *core, const uint8_t *bytes, size_t count, uint32_t now_ms)
{
    for (size_t i = 0; i < count; i++) {
        core_receive(core, bytes[i], now_ms);
    }
}
