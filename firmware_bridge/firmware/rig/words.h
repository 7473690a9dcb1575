/* What a line to the rig asks. */
#ifndef TZ_WORDS_H
#define TZ_WORDS_H

#include "rig.h"

/* Carry out a line; the answer is empty when it comes later (`rig_answer`). The line is cut up. */
void words_do(struct rig *rig, char *line, char answer[RIG_ANSWER_MOST]);

#endif
