/* What the device tells the host of its own accord. */
#ifndef TZ_REPORTS_H
#define TZ_REPORTS_H

#include "core.h"

/* Queue what is news of lids and sensors, and what readers have sent; what finds no room waits, but taps. */
void reports_tell(struct core *core, uint32_t now_ms);

/* Count a tap that is lost. */
void reports_drop_tap(struct core *core);

#endif
