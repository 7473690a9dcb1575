/* One turn of the main loop, the same in every build. */
#ifndef TZ_TURN_H
#define TZ_TURN_H

#include "core.h"

/* Take all input, step the core, set the motors, send what is due, and feed the watchdog if all is well. */
void turn(struct core *core);

#endif
