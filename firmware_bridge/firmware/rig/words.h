/* The lines of the test rig. */
#ifndef TZ_WORDS_H
#define TZ_WORDS_H

#include "rig.h"

/* Carry out a line; the answer is empty if it comes later (`rig_answer`). Changes the line's bytes. */
void words_do(struct rig *rig, char *line, char answer[RIG_ANSWER_MOST]);

#endif
