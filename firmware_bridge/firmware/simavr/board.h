/* The simulated chip and its wiring; README.md has the pin table. */
#ifndef TZ_SIM_BOARD_H
#define TZ_SIM_BOARD_H

#include <stdbool.h>
#include <stdint.h>

#include <sim_avr.h>
#include <sim_elf.h>

#include "rig.h"

enum { SIM_HZ = 16000000, SIM_PORTS = 12, SIM_SCALES = 4, SIM_LEVELS = 2, SIM_READERS = 2 };

struct sim_servo {
    uint64_t rose; /* the chip's cycle */
    uint32_t pulse_us;
};

struct sim_scales {
    uint32_t shift[SIM_SCALES];
    uint8_t pulses;
    bool is_converting;
};

struct sim_echo {
    struct sim_board *board;
    uint8_t level;
};

struct sim_wiegand {
    struct sim_board *board;
    uint8_t port_bit;
};

struct sim_board {
    struct rig rig; /* first, so that a rig's pointer is also its board's */
    avr_t *avr;
    elf_firmware_t elf;
    avr_irq_t *host_in, *reader_in[SIM_READERS];
    uint8_t external[SIM_PORTS]; /* the levels of the wires, port 'A' first */
    struct sim_servo servos[LIDS_MOST];
    struct sim_scales scales;
    struct sim_echo echoes[SIM_LEVELS];
    struct sim_wiegand line;
    bool host_may_send, reader_may_send[SIM_READERS];
    uint32_t resets, ran_ms;
    uint32_t hung_since_ms, hung_ms; /* in `ran_ms`: when the loop last began to hang, and for how long */
    int64_t busy_ns;
    bool shot_through; /* both inputs of a bridge were high at once */
    uint8_t hung[2];   /* the original code where the loop was made to hang */
    uint32_t hung_at;  /* 0: nowhere */
    void (*core_reset)(struct avr_t *avr);
};

/* Load an ELF into a chip wired to the plant; on failure print why on standard error and return false. */
bool board_start(struct sim_board *board, const char *elf_path);

/* Run for a millisecond of the chip's time, and pass the host's bytes in and out. */
void board_run_ms(struct sim_board *board);

/* Reset as the watchdog does. */
void board_reset(struct sim_board *board);

/* Hang the main loop until the next reset; interrupts go on. */
bool board_hang(struct sim_board *board);

/* Return the bytes of RAM between the heap's end and the stack that were never used since the start. */
uint32_t board_stack_margin(const struct sim_board *board);

/* Return the bytes that the UARTs lost since the last reset. */
uint32_t board_bytes_lost(const struct sim_board *board);

/* instruments.c: scales and ultrasonic sensors. */
void instruments_connect(struct sim_board *board);
void instruments_after_reset(struct sim_board *board);

/* wires.c: levels in, levels out. */
avr_irq_t *wires_pin(struct sim_board *board, char port, uint8_t bit);
void wires_connect(struct sim_board *board);
void wires_set(struct sim_board *board, char port, uint8_t bit, bool level);
void wires_after_reset(struct sim_board *board);
void wires_sense(struct sim_board *board);
void wires_drive(struct sim_board *board);

#endif
