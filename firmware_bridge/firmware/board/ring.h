/* A ring of up to 255 bytes between one interrupt and the main loop; its indexes wrap by themselves. */
#ifndef TZ_RING_H
#define TZ_RING_H

#include <stdbool.h>
#include <stdint.h>

struct ring {
    volatile uint8_t bytes[256];
    volatile uint8_t head; /* written by the taker */
    volatile uint8_t tail; /* written by the putter */
};

static inline uint8_t ring_room(const struct ring *ring)
{
    return (uint8_t)(255U - (uint8_t)(ring->tail - ring->head));
}

static inline bool ring_put(struct ring *ring, uint8_t byte)
{
    if (ring_room(ring) == 0) {
        return false;
    }
    ring->bytes[ring->tail] = byte;
    ring->tail = (uint8_t)(ring->tail + 1U);
    return true;
}

static inline bool ring_take(struct ring *ring, uint8_t *byte)
{
    if (ring->head == ring->tail) {
        return false;
    }
    *byte = ring->bytes[ring->head];
    ring->head = (uint8_t)(ring->head + 1U);
    return true;
}

#endif
