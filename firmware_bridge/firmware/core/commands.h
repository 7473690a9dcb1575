/* The host's requests: checked, then carried out. */
#ifndef TZ_COMMANDS_H
#define TZ_COMMANDS_H

#include "core.h"

/* Return why a message would be refused, or REFUSAL_NONE. Changes nothing. */
enum refusal command_check(const struct core *core, const struct frame *frame, uint32_t now_ms);

/* Carry out a message that passed `command_check`. */
void command_do(struct core *core, const struct frame *frame, uint32_t now_ms);

/* Stop every motor until RESUME. */
void command_stop_motors(struct core *core, uint32_t now_ms);

#endif
