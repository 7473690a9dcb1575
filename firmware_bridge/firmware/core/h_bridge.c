#include "h_bridge.h"

void bridge_command(struct h_bridge *bridge, enum drive wanted, uint32_t now_ms)
{
    if (bridge->is_resting && (uint32_t)(now_ms - bridge->off_since_ms) >= BRIDGE_REST_MS) {
        bridge->is_resting = false;
    }
    if (wanted == bridge->drive) {
        return;
    }
    if (bridge->drive != DRIVE_OFF) {
        bridge->last = bridge->drive;
        bridge->drive = DRIVE_OFF;
        bridge->off_since_ms = now_ms;
        bridge->is_resting = true;
    }
    bool turns_round = wanted != bridge->last;
    if (wanted == DRIVE_OFF || (turns_round && bridge->is_resting)) {
        return;
    }
    bridge->drive = (uint8_t)wanted;
    bridge->last = (uint8_t)wanted;
}
