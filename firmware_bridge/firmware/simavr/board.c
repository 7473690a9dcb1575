#include "board.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#include <avr_eeprom.h>
#include <avr_uart.h>
#include <sim_io.h>

enum { SIM_PAINT = 0xA5, FED_MOST = 256, BOOTS_LEAST = 1, HANGS_HERE = 0xCFFF /* rjmp to itself */ };

static void host_heard(avr_irq_t *irq, uint32_t value, void *param)
{
    struct sim_board *board = param;
    uint8_t byte = (uint8_t)value;
    (void)irq;
    rig_send(&board->rig, &byte, 1);
}

static void may(avr_irq_t *irq, uint32_t value, void *param)
{
    (void)irq;
    (void)value;
    *(bool *)param = true;
}

static void may_not(avr_irq_t *irq, uint32_t value, void *param)
{
    (void)irq;
    (void)value;
    *(bool *)param = false;
}

static avr_irq_t *uart(struct sim_board *board, char name, bool *may_send)
{
    uint32_t flags = 0; /* simavr must not sleep by itself or print to standard output */
    avr_ioctl(board->avr, (uint32_t)AVR_IOCTL_UART_SET_FLAGS(name), &flags);
    uint32_t line = (uint32_t)AVR_IOCTL_UART_GETIRQ(name);
    avr_irq_register_notify(avr_io_getirq(board->avr, line, UART_IRQ_OUT_XON), may, may_send);
    avr_irq_register_notify(avr_io_getirq(board->avr, line, UART_IRQ_OUT_XOFF), may_not, may_send);
    return avr_io_getirq(board->avr, line, UART_IRQ_INPUT);
}

static void connect_uarts(struct sim_board *board)
{
    board->host_in = uart(board, '0', &board->host_may_send);
    board->reader_in[0] = uart(board, '2', &board->reader_may_send[0]);
    board->reader_in[1] = uart(board, '3', &board->reader_may_send[1]);
    uint32_t line = (uint32_t)AVR_IOCTL_UART_GETIRQ('0');
    avr_irq_register_notify(avr_io_getirq(board->avr, line, UART_IRQ_OUTPUT), host_heard, board);
}

/* Each start of this program simulates another board, so its count of starts begins at another value. */
static bool set_boot_count(struct sim_board *board)
{
    uint32_t slot[2] = {0, 0};
    if (getrandom(slot, sizeof slot[0], 0) != (ssize_t)sizeof slot[0]) {
        return false;
    }
    slot[0] = (slot[0] & 0x7FFFFFFFU) + BOOTS_LEAST;
    slot[1] = ~slot[0];
    avr_eeprom_desc_t eeprom = {.ee = (uint8_t *)slot, .offset = 0, .size = sizeof slot};
    avr_ioctl(board->avr, AVR_IOCTL_EEPROM_SET, &eeprom);
    return true;
}

static uint32_t symbol(const struct sim_board *board, const char *name)
{
    for (uint32_t i = 0; i < board->elf.symbolcount; i++) {
        if (strcmp(board->elf.symbol[i]->symbol, name) == 0) {
            return board->elf.symbol[i]->addr;
        }
    }
    return 0;
}

static uint32_t heap_start(const struct sim_board *board)
{
    return symbol(board, "_end") & 0xFFFFU; /* the linker puts RAM at 0x800000 */
}

static void paint_stack(struct sim_board *board)
{
    uint32_t from = heap_start(board);
    memset(board->avr->data + from, SIM_PAINT, board->avr->ramend + 1U - from);
}

uint32_t board_stack_margin(const struct sim_board *board)
{
    uint32_t from = heap_start(board), at = from;
    while (at <= board->avr->ramend && board->avr->data[at] == SIM_PAINT) {
        at++;
    }
    return at - from;
}

uint32_t board_bytes_lost(const struct sim_board *board)
{
    const uint8_t *at = board->avr->data + (symbol(board, "uart_lost") & 0xFFFFU);
    return (uint32_t)at[0] | ((uint32_t)at[1] << 8);
}

static struct sim_board *the_board(struct avr_t *avr)
{
    return avr->custom.data;
}

/* Called within every reset of the chip. */
static void was_reset(struct avr_t *avr)
{
    struct sim_board *board = the_board(avr);
    board->core_reset(avr);
    board->resets++;
    if (board->hung_at != 0) {
        memcpy(avr->flash + board->hung_at, board->hung, sizeof board->hung);
        board->hung_at = 0;
        board->hung_ms = board->ran_ms - board->hung_since_ms;
    }
}

static void no_sleep(struct avr_t *avr, avr_cycle_count_t cycles)
{
    (void)avr;
    (void)cycles; /* the runner keeps the pace */
}

/* Standard output belongs to the rig. */
static void log_errors(struct avr_t *avr, const int level, const char *format, va_list values)
{
    (void)avr;
    if (level <= LOG_ERROR) {
        vfprintf(stderr, format, values);
    }
}

bool board_start(struct sim_board *board, const char *elf_path)
{
    avr_global_logger_set(log_errors);
    if (elf_read_firmware(elf_path, &board->elf) != 0 || symbol(board, "turn") == 0) {
        fprintf(stderr, "%s is no firmware of ours\n", elf_path);
        return false;
    }
    board->avr = avr_make_mcu_by_name("atmega2560");
    if (board->avr == NULL) {
        fprintf(stderr, "this simavr knows no atmega2560\n");
        return false;
    }
    avr_init(board->avr);
    board->avr->log = LOG_ERROR;
    board->avr->frequency = SIM_HZ;
    board->avr->vcc = board->avr->avcc = board->avr->aref = 5000;
    avr_load_firmware(board->avr, &board->elf);
    board->avr->custom.data = board;
    board->avr->sleep = no_sleep;
    board->core_reset = board->avr->reset;
    board->avr->reset = was_reset;
    connect_uarts(board);
    wires_connect(board);
    paint_stack(board);
    return set_boot_count(board);
}

void board_reset(struct sim_board *board)
{
    avr_reset(board->avr);
}

bool board_hang(struct sim_board *board)
{
    static const uint8_t LOOP[2] = {HANGS_HERE & 0xFF, HANGS_HERE >> 8};
    if (board->hung_at != 0) {
        return false;
    }
    board->hung_at = symbol(board, "turn");
    board->hung_since_ms = board->ran_ms;
    memcpy(board->hung, board->avr->flash + board->hung_at, sizeof board->hung);
    memcpy(board->avr->flash + board->hung_at, LOOP, sizeof LOOP);
    return true;
}

static void feed(struct sim_board *board)
{
    uint8_t byte;
    while (board->host_may_send && rig_receive(&board->rig, &byte, 1) == 1) {
        avr_raise_irq(board->host_in, byte);
    }
}

void board_run_ms(struct sim_board *board)
{
    uint32_t resets = board->resets;
    wires_sense(board);
    feed(board);
    avr_cycle_count_t until = board->avr->cycle + SIM_HZ / 1000;
    while (board->avr->cycle < until && board->resets == resets) {
        avr_run(board->avr);
    }
    if (board->resets != resets) {
        wires_after_reset(board);
    }
    wires_drive(board);
    plant_pass(&board->rig.plant, 1.0);
    board->ran_ms++;
}
