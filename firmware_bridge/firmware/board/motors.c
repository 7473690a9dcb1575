#include <avr/interrupt.h>
#include <util/atomic.h>

#include "board_config.h"
#include "parts.h"

/* Servos take turns: each has a slot of 2.5 ms, and eight slots make a servo's usual 20 ms. Timer 1 counts half
 * microseconds; its interrupt begins and ends each pulse. */
enum { SERVOS = 8, SLOT = 5000, LEAD = 20 };

static volatile uint16_t pulse_of[SERVOS]; /* 0: no pulse */
static uint8_t slot;
static uint16_t pulse_now;

ISR(TIMER1_COMPA_vect)
{
    if (pulse_now != 0) {
        MOTOR_OPEN_PORT &= (uint8_t)~(1U << slot);
        OCR1A = (uint16_t)(OCR1A + (SLOT - pulse_now));
        pulse_now = 0;
        return;
    }
    slot = (uint8_t)((slot + 1U) % SERVOS);
    pulse_now = pulse_of[slot];
    if (pulse_now != 0) {
        MOTOR_OPEN_PORT = (uint8_t)(MOTOR_OPEN_PORT | (1U << slot));
        OCR1A = (uint16_t)(OCR1A + pulse_now);
    } else {
        OCR1A = (uint16_t)(OCR1A + SLOT);
    }
}

void motors_start(void)
{
    OCR1A = LEAD;
    TIMSK1 = _BV(OCIE1A);
    TCCR1B = _BV(CS11); /* clock / 8 */
}

static void set_servo(uint8_t lid, uint8_t pin, enum drive drive)
{
    if (drive == DRIVE_OFF) {
        pulse_of[lid] = 0;
        MOTOR_SHUT_PORT &= (uint8_t)~pin;
    } else {
        pulse_of[lid] = 2U * (drive == DRIVE_OPEN ? BOARD_SERVO_OPEN_US : BOARD_SERVO_SHUT_US);
        MOTOR_SHUT_PORT |= pin;
    }
}

/* Turn off before turning on: both inputs of a bridge must never be high. */
static void set_bridge(uint8_t pin, enum drive drive)
{
    if (drive != DRIVE_OPEN) {
        MOTOR_OPEN_PORT &= (uint8_t)~pin;
    }
    if (drive == DRIVE_SHUT) {
        MOTOR_SHUT_PORT |= pin;
    } else {
        MOTOR_SHUT_PORT &= (uint8_t)~pin;
    }
    if (drive == DRIVE_OPEN) {
        MOTOR_OPEN_PORT |= pin;
    }
}

void motors_set(uint8_t lid, enum drive drive)
{
    uint8_t pin = (uint8_t)(1U << lid);
    ATOMIC_BLOCK(ATOMIC_RESTORESTATE) /* the servos' interrupt writes the same ports */
    {
        if ((BOARD_SERVO_LIDS & pin) != 0) {
            set_servo(lid, pin, drive);
        } else {
            set_bridge(pin, drive);
        }
    }
}
