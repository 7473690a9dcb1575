#include "words.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    WORDS_MOST = 4,
    BITS_LEAST = 4,
    WIEGAND_RESTS = WIEGAND_PAUSE_MS + 5, /* so that two lines become two messages */
    SERIAL_RESTS = SERIAL_PAUSE_MS + 5
};

struct words {
    char *word[WORDS_MOST];
    int count;
};

/* Each returns its answer, or "" if the answer comes later. */
typedef const char *(*doer)(struct rig *rig, const struct words *words, char *room);

static struct words cut(char *line)
{
    struct words words = {{NULL}, 0};
    char *rest = line, *word;
    while (words.count < WORDS_MOST && (word = strtok_r(rest, " \r", &rest)) != NULL) {
        words.word[words.count++] = word;
    }
    return words;
}

static bool number(const char *word, long least, long most, long *value)
{
    char *end;
    *value = strtol(word, &end, 10);
    return end != word && *end == '\0' && *value >= least && *value <= most;
}

static struct plant_lid *lid_of(struct rig *rig, const struct words *words)
{
    long lid;
    return number(words->word[1], 0, rig->fitted.lids - 1, &lid) ? &rig->plant.lids[lid] : NULL;
}

static const char NO_LID[] = "error no such lid", BAD_VALUE[] = "error value out of bounds";

static const char *do_travel(struct rig *rig, const struct words *words, char *room)
{
    struct plant_lid *lid = lid_of(rig, words);
    long value;
    (void)room;
    if (lid == NULL || !number(words->word[2], 1, 60000, &value)) {
        return lid == NULL ? NO_LID : BAD_VALUE;
    }
    lid->travel_ms = (double)value;
    return "ok";
}

static const char *do_place(struct rig *rig, const struct words *words, char *room)
{
    struct plant_lid *lid = lid_of(rig, words);
    long value;
    (void)room;
    if (lid == NULL || !number(words->word[2], 0, 1000, &value)) {
        return lid == NULL ? NO_LID : BAD_VALUE;
    }
    lid->permille = (double)value;
    return "ok";
}

static const char *set_flag(const struct words *words, struct plant_lid *lid, bool *flag)
{
    long value;
    if (lid == NULL || !number(words->word[2], 0, 1, &value)) {
        return lid == NULL ? NO_LID : BAD_VALUE;
    }
    *flag = value == 1;
    return "ok";
}

static const char *do_jam(struct rig *rig, const struct words *words, char *room)
{
    struct plant_lid *lid = lid_of(rig, words);
    (void)room;
    return set_flag(words, lid, lid == NULL ? NULL : &lid->is_jammed);
}

static const char *do_obstruct(struct rig *rig, const struct words *words, char *room)
{
    struct plant_lid *lid = lid_of(rig, words);
    (void)room;
    return set_flag(words, lid, lid == NULL ? NULL : &lid->is_obstructed);
}

static const char *do_switch(struct rig *rig, const struct words *words, char *room)
{
    struct plant_lid *lid = lid_of(rig, words);
    long value = 0;
    bool is_auto = strcmp(words->word[3], "auto") == 0, is_open = strcmp(words->word[2], "open") == 0;
    (void)room;
    if (lid == NULL) {
        return NO_LID;
    }
    if ((!is_open && strcmp(words->word[2], "shut") != 0) || (!is_auto && !number(words->word[3], 0, 1, &value))) {
        return BAD_VALUE;
    }
    enum forced forced = is_auto ? FORCED_AUTO : value == 1 ? FORCED_ON : FORCED_OFF;
    *(is_open ? &lid->open_switch : &lid->shut_switch) = forced;
    return "ok";
}

static const char *do_lid(struct rig *rig, const struct words *words, char *room)
{
    static const char *const DRIVES[] = {"off", "open", "shut"};
    struct plant_lid *lid = lid_of(rig, words);
    if (lid == NULL) {
        return NO_LID;
    }
    int permille = (int)lid->permille;
    snprintf(room, RIG_ANSWER_MOST, "lid %s %d %s", words->word[1], permille, DRIVES[lid->drive]);
    return room;
}

static void begin(struct rig_sending *sending, long reader, size_t count, int rests)
{
    sending->reader = (uint8_t)reader;
    sending->sent = 0;
    sending->rests = rests;
    sending->count = count;
}

static const char *do_wiegand(struct rig *rig, const struct words *words, char *room)
{
    struct rig_sending *sending = &rig->wiegand;
    const char *bits = words->word[2];
    size_t count = strlen(bits);
    long reader;
    (void)room;
    if (!number(words->word[1], 0, rig->fitted.wiegand_readers - 1, &reader)) {
        return "error no such reader";
    }
    if (count < BITS_LEAST || count > WIEGAND_BITS_MOST || strspn(bits, "01") != count) {
        return BAD_VALUE;
    }
    for (size_t i = 0; i < count; i++) {
        sending->items[i] = (uint8_t)(bits[i] - '0');
    }
    begin(sending, reader, count, WIEGAND_RESTS);
    return "";
}

static const char *do_serial(struct rig *rig, const struct words *words, char *room)
{
    struct rig_sending *sending = &rig->serial;
    const char *hex = words->word[2];
    size_t count = strlen(hex);
    long reader;
    (void)room;
    if (!number(words->word[1], 0, rig->fitted.serial_readers - 1, &reader)) {
        return "error no such reader";
    }
    if (count == 0 || count % 2 != 0 || count > 2 * RIG_BYTES_MOST ||
        strspn(hex, "0123456789abcdefABCDEF") != count) {
        return BAD_VALUE;
    }
    for (size_t i = 0; i < count / 2; i++) {
        const char pair[3] = {hex[2 * i], hex[2 * i + 1], '\0'};
        sending->items[i] = (uint8_t)strtol(pair, NULL, 16);
    }
    begin(sending, reader, count / 2, SERIAL_RESTS);
    return "";
}

static const char *do_sensor(struct rig *rig, const struct words *words, char *room)
{
    long kind, index, value;
    (void)room;
    if (!number(words->word[1], 0, SENSOR_KINDS - 1, &kind) ||
        !number(words->word[2], 0, rig->fitted.sensors[kind] - 1, &index)) {
        return "error no such sensor";
    }
    if (kind == SENSOR_WEIGHT && strcmp(words->word[3], "silent") == 0) {
        rig->silent[kind][index] = true;
        return "ok";
    }
    if (!number(words->word[3], INT32_MIN, INT32_MAX, &value)) {
        return BAD_VALUE;
    }
    rig->silent[kind][index] = false;
    rig->sensors[kind][index] = (int32_t)value;
    return "ok";
}

static const char *do_reboot(struct rig *rig, const struct words *words, char *room)
{
    (void)words;
    (void)room;
    rig->reboot_asked = true;
    return "";
}

static const struct {
    const char *word;
    int count;
    doer does;
} KNOWN[] = {
    {"travel", 3, do_travel},   {"place", 3, do_place},   {"jam", 3, do_jam},       {"obstruct", 3, do_obstruct},
    {"switch", 4, do_switch},   {"lid", 2, do_lid},       {"wiegand", 3, do_wiegand}, {"serial", 3, do_serial},
    {"sensor", 4, do_sensor},   {"reboot", 1, do_reboot},
};

void words_do(struct rig *rig, char *line, char answer[RIG_ANSWER_MOST])
{
    char room[RIG_ANSWER_MOST];
    struct words words = cut(line);
    const char *said = NULL;
    for (size_t i = 0; i < sizeof KNOWN / sizeof KNOWN[0]; i++) {
        if (words.count == KNOWN[i].count && strcmp(words.word[0], KNOWN[i].word) == 0) {
            said = KNOWN[i].does(rig, &words, room);
        }
    }
    if (said == NULL && words.count == 1 && rig->own_word != NULL) {
        said = rig->own_word(rig, words.word[0], room);
    }
    snprintf(answer, RIG_ANSWER_MOST, "%s", said == NULL ? "error no such line" : said);
}
