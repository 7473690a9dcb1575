/* The machine below the core, as `turn` uses it. Each build implements it. */
#ifndef TZ_HAL_H
#define TZ_HAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core.h"

/* Return the milliseconds since the start; wraps. */
uint32_t hal_now_ms(void);

/* Take the next byte from the host; false if there is none. */
bool hal_receive(uint8_t *byte);

/* Return how many bytes can be sent to the host now; send them. */
size_t hal_send_room(void);
void hal_send(const uint8_t *bytes, size_t count);

/* Read the contacts. */
void hal_contacts(struct core_inputs *inputs);

/* Take the next Wiegand pulse, serial reader's byte, measured value; false if there is none. */
bool hal_wiegand(uint8_t *reader, bool *bit);
bool hal_serial(uint8_t *reader, uint8_t *byte);
bool hal_measured(enum sensor_kind *kind, uint8_t *index, int32_t *value);

/* Set a lid's motor. */
void hal_drive(uint8_t lid, enum drive drive);

/* Feed the watchdog. */
void hal_pet(void);

#endif
