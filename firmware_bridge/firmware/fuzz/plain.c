/* Runs the fuzz target on random input where there is no libFuzzer: plain SECONDS SEED. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "target.h"

enum { LIFE_MOST = 2000 };

/* Steele and Vigna's splitmix64: small, and the same on every machine for the same seed. */
static uint64_t draw(uint64_t *state)
{
    uint64_t z = *state += 0x9E3779B97F4A7C15U;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9U;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBU;
    return z ^ (z >> 31);
}

int main(int count, char **words)
{
    static uint8_t life[LIFE_MOST];
    if (count != 3) {
        fprintf(stderr, "usage: plain SECONDS SEED\n");
        return 2;
    }
    time_t end = time(NULL) + atol(words[1]);
    uint64_t state = strtoull(words[2], NULL, 10);
    unsigned long lives = 0;
    while (time(NULL) < end) {
        size_t size = draw(&state) % LIFE_MOST;
        for (size_t i = 0; i < size; i++) {
            life[i] = (uint8_t)draw(&state);
        }
        LLVMFuzzerTestOneInput(life, size);
        lives++;
    }
    printf("%lu lives\n", lives);
    return EXIT_SUCCESS;
}
