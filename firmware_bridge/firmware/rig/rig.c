#include "rig.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "words.h"

static bool open_pty(struct rig *rig, char *path, size_t most)
{
    struct termios raw;
    if (openpty(&rig->master, &rig->device, NULL, NULL, NULL) != 0 || tcgetattr(rig->device, &raw) != 0) {
        return false;
    }
    cfmakeraw(&raw);
    return tcsetattr(rig->device, TCSANOW, &raw) == 0 && ttyname_r(rig->device, path, most) == 0 &&
           fcntl(rig->master, F_SETFL, O_NONBLOCK) == 0 && fcntl(STDIN_FILENO, F_SETFL, O_NONBLOCK) == 0;
}

bool rig_start(struct rig *rig, const struct core_fitted *fitted, rig_own_word own_word)
{
    char path[128];
    memset(rig, 0, sizeof *rig);
    plant_start(&rig->plant);
    rig->fitted = *fitted;
    rig->own_word = own_word;
    if (!open_pty(rig, path, sizeof path)) {
        perror("no pty for the rig");
        return false;
    }
    puts(path);
    return fflush(stdout) == 0;
}

static bool is_busy(const struct rig *rig)
{
    return rig->reboot_asked || rig->wiegand.count > 0 || rig->serial.count > 0;
}

static void say(const char *answer)
{
    puts(answer);
    fflush(stdout);
}

static void read_character(struct rig *rig, char character)
{
    if (character == '\n') {
        char answer[RIG_ANSWER_MOST];
        rig->line[rig->line_length] = '\0';
        rig->line_length = 0;
        words_do(rig, rig->line, answer);
        if (answer[0] != '\0') {
            say(answer);
        }
    } else if (rig->line_length < RIG_LINE_MOST - 1) {
        rig->line[rig->line_length++] = character;
    }
}

static void read_lines(struct rig *rig)
{
    char character;
    while (!is_busy(rig) && !rig->is_over) { /* a line begins after the one before it was answered */
        ssize_t count = read(STDIN_FILENO, &character, 1);
        if (count == 1) {
            read_character(rig, character);
        } else {
            rig->is_over = count == 0 || errno != EAGAIN;
            return;
        }
    }
}

void rig_wait(struct rig *rig, int ms)
{
    struct pollfd waits[2] = {{rig->master, POLLIN, 0}, {STDIN_FILENO, is_busy(rig) ? 0 : POLLIN, 0}};
    poll(waits, 2, ms);
    read_lines(rig);
}

static void rest(struct rig_sending *sending)
{
    if (sending->count > 0 && sending->sent == sending->count && sending->rests-- == 0) {
        sending->count = 0;
    }
}

void rig_answer(struct rig *rig)
{
    bool was_busy = is_busy(rig);
    rest(&rig->wiegand);
    rest(&rig->serial);
    rig->reboot_asked = false;
    if (was_busy && !is_busy(rig)) {
        say("ok");
    }
}

bool rig_next(struct rig_sending *sending, uint8_t *reader, uint8_t *item)
{
    if (sending->sent >= sending->count) {
        return false;
    }
    *reader = sending->reader;
    *item = sending->items[sending->sent++];
    return true;
}

size_t rig_receive(struct rig *rig, uint8_t *bytes, size_t most)
{
    ssize_t count = read(rig->master, bytes, most);
    return count > 0 ? (size_t)count : 0;
}

void rig_send(struct rig *rig, const uint8_t *bytes, size_t count)
{
    ssize_t sent = write(rig->master, bytes, count);
    (void)sent;
}
