/* The core's fuzz target, in libFuzzer's form. */
#ifndef TZ_TARGET_H
#define TZ_TARGET_H

#include <stddef.h>
#include <stdint.h>

/* Run a core on the input of these bytes; abort if a rule of the lids is broken. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#endif
