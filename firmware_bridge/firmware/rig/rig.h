/* The test rig of docs/protocol.md: lines on standard input, answers on standard output, a plant, a pty. */
#ifndef TZ_RIG_H
#define TZ_RIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "plant.h"
#include "protocol.h"

enum { RIG_LINE_MOST = 1024, RIG_ANSWER_MOST = 128, RIG_INDEXES = 4, RIG_BYTES_MOST = 256 };

/* What a reader is sending. */
struct rig_sending {
    uint8_t items[RIG_BYTES_MOST]; /* bits, or bytes */
    size_t count, sent;
    uint8_t reader;
    int rests; /* calls of `rig_answer` until it counts as sent: a reader pauses after it sent */
};

struct rig;

/* Answers a line of one word that only this rig has; NULL if it has no such word. `room` has RIG_ANSWER_MOST. */
typedef const char *(*rig_own_word)(struct rig *rig, const char *word, char *room);

struct rig {
    struct plant plant;
    rig_own_word own_word; /* NULL: none */
    struct core_fitted fitted;
    int32_t sensors[SENSOR_KINDS][RIG_INDEXES];
    bool silent[SENSOR_KINDS][RIG_INDEXES]; /* gives no reading */
    struct rig_sending wiegand, serial;
    bool reboot_asked;
    bool is_over;    /* standard input has ended */
    int master;      /* the end for the host's bytes */
    int device;      /* held open, so that a test may close and reopen the pty */
    char line[RIG_LINE_MOST];
    size_t line_length;
};

/* Open a pty and print its path; if there is none, print why on standard error and return false. */
bool rig_start(struct rig *rig, const struct core_fitted *fitted, rig_own_word own_word);

/* Wait for bytes of the host or for lines, at most this time; then carry out the lines. */
void rig_wait(struct rig *rig, int ms);

/* Answer the line whose reader has sent everything, or whose reboot is done. Call after each step of 1 ms. */
void rig_answer(struct rig *rig);

/* Take the next bit or byte that a reader sends; false if there is none. */
bool rig_next(struct rig_sending *sending, uint8_t *reader, uint8_t *item);

/* Read and write the host's bytes; bytes that the pty does not take are lost, as on a wire without a reader. */
size_t rig_receive(struct rig *rig, uint8_t *bytes, size_t most);
void rig_send(struct rig *rig, const uint8_t *bytes, size_t count);

#endif
