/* The core for callers without its structs: tests through ctypes. */
#ifndef TZ_LIBRARY_H
#define TZ_LIBRARY_H

#include "core.h"

/* Return the size of a core in bytes. */
size_t library_core_size(void);

/* `core_start` with as many parts as there is room for. */
void library_start(struct core *core, uint8_t lids, uint32_t boot_id, uint32_t now_ms);

/* `core_step` with alarms as bits: 1 smoke, 2 door open, 4 panic. */
void library_step(struct core *core, uint8_t opened, uint8_t closed, uint8_t free, uint8_t alarms, uint32_t now_ms);

/* `core_receive` for many bytes. */
void library_receive(struct core *core, const uint8_t *bytes, size_t count, uint32_t now_ms);

#endif
