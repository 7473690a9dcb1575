/* One turn of the main loop, the same on every machine. */
#ifndef TZ_TURN_H
#define TZ_TURN_H

#include "core.h"

/* Take what has come, step the core, set the motors, send what is due, and pet the watchdog if all is well. */
void turn(struct core *core);

#endif
