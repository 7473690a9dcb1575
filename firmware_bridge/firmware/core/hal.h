/* What the core's turn needs of the machine below it. Each build has its own. */
#ifndef TZ_HAL_H
#define TZ_HAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core.h"

/* Milliseconds since the start; wraps. */
uint32_t hal_now_ms(void);

/* The next byte from the host, if one has come. */
bool hal_receive(uint8_t *byte);

/* How many bytes to the host can be taken now, and taking them. */
size_t hal_send_room(void);
void hal_send(const uint8_t *bytes, size_t count);

/* The contacts, this moment. */
void hal_contacts(struct core_inputs *inputs);

/* The next Wiegand pulse, the next byte of a serial reader, the next value measured, if one has come. */
bool hal_wiegand(uint8_t *reader, bool *bit);
bool hal_serial(uint8_t *reader, uint8_t *byte);
bool hal_measured(enum sensor_kind *kind, uint8_t *index, int32_t *value);

/* Make a lid's motor do this. */
void hal_drive(uint8_t lid, enum drive drive);

/* Show the watchdog that all is well. */
void hal_pet(void);

#endif
