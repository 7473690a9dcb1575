/* The core's fuzz target, in libFuzzer's form. */
#ifndef TZ_TARGET_H
#define TZ_TARGET_H

#include <stddef.h>
#include <stdint.h>

/* Do what the bytes say to a core; aborts when a rule of the lids is broken. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#endif
