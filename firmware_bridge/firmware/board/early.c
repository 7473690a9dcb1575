/* Runs before main, and before any memory is set up. */
#include <avr/wdt.h>

#include "board_config.h"

void early(void) __attribute__((naked, used, section(".init3")));

/* Motors off first: the watchdog may have reset the chip while one ran. After that reset the watchdog stays
 * on, with its shortest time, until MCUSR is cleared (data sheet, 11.5). */
void early(void)
{
    MOTOR_OPEN_PORT = 0;
    MOTOR_SHUT_PORT = 0;
    MOTOR_OPEN_DDR = 0xFF;
    MOTOR_SHUT_DDR = 0xFF;
    MCUSR = 0;
    wdt_enable(WDTO_250MS);
}
