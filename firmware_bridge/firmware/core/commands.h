/* What the host may ask for: bodies checked, then acted upon. */
#ifndef TZ_COMMANDS_H
#define TZ_COMMANDS_H

#include "core.h"

/* Why a message would be refused; REFUSAL_NONE when it would not. Changes nothing. */
enum refusal command_check(const struct core *core, const struct frame *frame, uint32_t now_ms);

/* Act on a message that passed `command_check`. */
void command_do(struct core *core, const struct frame *frame, uint32_t now_ms);

/* Stop every motor until RESUME. */
void command_stop_motors(struct core *core, uint32_t now_ms);

#endif
