/* The wiring of an ATmega2560 (Arduino Mega 2560, 16 MHz). README.md has the table with the board's own pin
 * names. Set the number of parts here; pins of missing parts stay unused. */
#ifndef TZ_BOARD_CONFIG_H
#define TZ_BOARD_CONFIG_H

#include <avr/io.h>

/* How many of each. A lid, scale or level sensor that is not wired does no harm: such a lid counts as
 * obstructed, and the others are not reported. */
#define BOARD_LIDS 8            /* 1 to 8 */
#define BOARD_WIEGAND_READERS 2 /* 0 to 2 */
#define BOARD_SERIAL_READERS 2  /* 0 to 2 */
#define BOARD_WEIGHTS 4         /* 1 to 4 */
#define BOARD_LEVELS 2          /* 1 or 2 */
#define BOARD_HAS_SMOKE 1
#define BOARD_HAS_DOOR 1
#define BOARD_HAS_PANIC 1
#define BOARD_HAS_TEMPERATURE 1
#define BOARD_HAS_SUPPLY 1

/* One bit for each lid that a servo moves; H-bridges move the others. */
#define BOARD_SERVO_LIDS 0xC0U

/* A servo's angles when open and shut. */
#define BOARD_SERVO_OPEN_US 2000U
#define BOARD_SERVO_SHUT_US 1000U

/* Lid n has bit n of each of these ports. */
#define MOTOR_OPEN_PORT PORTA /* H-bridge: drive open. Servo: its pulses */
#define MOTOR_OPEN_DDR DDRA
#define MOTOR_SHUT_PORT PORTC /* H-bridge: drive shut. Servo: its supply's switch */
#define MOTOR_SHUT_DDR DDRC
#define OPENED_PORT PORTL /* switch to ground while the lid stands open */
#define OPENED_PIN PINL
#define CLOSED_PORT PORTK /* switch to ground while the lid is shut */
#define CLOSED_PIN PINK
#define FREE_PORT PORTB /* contact to ground while the way is free */
#define FREE_PIN PINB

/* Contacts to ground in rest: a broken wire means smoke, an open door, a pressed button. */
#define CONTACTS_PORT PORTG
#define CONTACTS_PIN PING
#define SMOKE_BIT 1
#define DOOR_BIT 2
#define PANIC_BIT 5

/* HX711: one clock for all, a data pin each. */
#define HX711_CLOCK_PORT PORTG
#define HX711_CLOCK_DDR DDRG
#define HX711_CLOCK_BIT 0
#define HX711_DATA_PIN PINF
#define HX711_DATA_PORT PORTF
#define HX711_DATA_FIRST 4

/* Ultrasonic: triggers on PH3 and PH4, echoes on INT4 (PE4) and INT5 (PE5). */
#define ECHO_PORT PORTE
#define ECHO_PINS (_BV(PE4) | _BV(PE5))
#define TRIGGER_PORT PORTH
#define TRIGGER_DDR DDRH
#define TRIGGER_FIRST 3

/* Wiegand: reader 0 on INT0 (D0) and INT1 (D1), reader 1 on INT2 and INT3.
 * Serial readers: USART2's and USART3's receivers. */
#define WIEGAND_PORT PORTD
#define WIEGAND_PINS 0x0FU

/* Analogue: the NTC on ADC0, the supply's divider on ADC1. */
#define ADC_TEMPERATURE 0
#define ADC_SUPPLY 1

#endif
