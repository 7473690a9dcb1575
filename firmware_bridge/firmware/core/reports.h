/* The device's own reports to the host. */
#ifndef TZ_REPORTS_H
#define TZ_REPORTS_H

#include "core.h"

/* Queue new reports of lids, sensors and readers; without room they wait, but taps are dropped. */
void reports_tell(struct core *core, uint32_t now_ms);

/* Count a dropped tap. */
void reports_drop_tap(struct core *core);

#endif
