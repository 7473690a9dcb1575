/* The board's firmware on a simulated ATmega2560, with its plant; docs/protocol.md, "Test rig".
 * In real time if this machine is fast enough, else slower. Also answers
 *   hang      hang the main loop until the watchdog resets the chip
 *   board     `board RESETS STACK_MARGIN SHOT_THROUGH HUNG_MS BYTES_LOST SPEED`: how long the loop last hung,
 *             in the chip's time; bytes that its UARTs lost; chip seconds a second at full speed */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "board.h"

enum { LAG_MOST_NS = 20000000, MS_NS = 1000000 };

static const struct core_fitted FITTED = {
    .lids = 8, .wiegand_readers = 2, .serial_readers = 2, .sensors = {4, 2, 1, 1, 1, 1, 1}};

static int64_t now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static const char *own_word(struct rig *rig, const char *word, char *room)
{
    struct sim_board *board = (struct sim_board *)rig;
    if (strcmp(word, "hang") == 0) {
        return board_hang(board) ? "ok" : "error it hangs already";
    }
    if (strcmp(word, "board") != 0) {
        return NULL;
    }
    double speed = board->busy_ns > 0 ? (double)board->ran_ms * MS_NS / (double)board->busy_ns : 0.0;
    snprintf(room, RIG_ANSWER_MOST, "board %u %u %d %u %u %.2f", board->resets, board_stack_margin(board),
             board->shot_through, board->hung_ms, board_bytes_lost(board), speed);
    return room;
}

static void carry_out(struct sim_board *board)
{
    if (board->rig.reboot_asked) {
        board_reset(board);
        wires_after_reset(board);
        wires_drive(board);
    }
}

/* Run until standard input ends. On a slow machine the chip's time is slower, but never jumps. */
static void run(struct sim_board *board)
{
    int64_t due_ns = now_ns();
    while (!board->rig.is_over) {
        int64_t early_ns = due_ns - now_ns();
        rig_wait(&board->rig, early_ns > MS_NS ? (int)(early_ns / MS_NS) : 0);
        carry_out(board);
        int64_t begun_ns = now_ns();
        if (begun_ns < due_ns) {
            continue;
        }
        board_run_ms(board);
        board->busy_ns += now_ns() - begun_ns;
        rig_answer(&board->rig);
        due_ns = begun_ns - due_ns > LAG_MOST_NS ? begun_ns : due_ns + MS_NS;
    }
}

int main(int count, char **words)
{
    static struct sim_board board;
    if (count != 2) {
        fprintf(stderr, "usage: runner BOARD.ELF\n");
        return 2;
    }
    if (!board_start(&board, words[1]) || !rig_start(&board.rig, &FITTED, own_word)) {
        return EXIT_FAILURE;
    }
    run(&board);
    return EXIT_SUCCESS;
}
