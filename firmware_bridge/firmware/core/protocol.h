/* The numbers of docs/protocol.md. */
#ifndef TZ_PROTOCOL_H
#define TZ_PROTOCOL_H

enum { PROTOCOL_LOWEST = 1, PROTOCOL_HIGHEST = 1 };

enum { FIRMWARE_MAJOR = 1, FIRMWARE_MINOR = 1, FIRMWARE_PATCH = 0 };

/* Lengths of bodies. */
enum { HELLO_LENGTH = 7, WELCOME_LENGTH = 19, ACK_LENGTH = 2, HEARTBEAT_LENGTH = 12 };

enum message_type {
    MESSAGE_HELLO = 0x01,
    MESSAGE_WELCOME = 0x02,
    MESSAGE_ACK = 0x03,
    MESSAGE_HEARTBEAT = 0x04,
    MESSAGE_SET_LID = 0x10,
    MESSAGE_OPEN_LID = 0x11,
    MESSAGE_END_LEASE = 0x12,
    MESSAGE_STOP_MOTORS = 0x13,
    MESSAGE_RESUME = 0x14,
    MESSAGE_LID = 0x20,
    MESSAGE_WIEGAND = 0x21,
    MESSAGE_SERIAL = 0x22,
    MESSAGE_SENSOR = 0x23,
    MESSAGE_REFUSED = 0x24
};

enum lid_position {
    POSITION_UNKNOWN = 0,
    POSITION_SHUT = 1,
    POSITION_OPENING = 2,
    POSITION_OPEN = 3,
    POSITION_CLOSING = 4,
    POSITION_STOPPED = 5
};

enum lid_cause {
    CAUSE_ASKED = 0,
    CAUSE_LEASE_OVER = 1,
    CAUSE_HOST_SILENT = 2,
    CAUSE_OBSTRUCTED = 3,
    CAUSE_LEFT_OPEN = 4,
    CAUSE_TRAVEL_TIMEOUT = 5,
    CAUSE_BOTH_SWITCHES = 6,
    CAUSE_MOTORS_STOPPED = 7,
    CAUSE_SMOKE = 8
};

enum sensor_kind {
    SENSOR_WEIGHT = 0,
    SENSOR_LEVEL = 1,
    SENSOR_SMOKE = 2,
    SENSOR_TEMPERATURE = 3,
    SENSOR_DOOR = 4,
    SENSOR_PANIC = 5,
    SENSOR_SUPPLY = 6,
    SENSOR_KINDS = 7
};

enum refusal {
    REFUSAL_NONE = 0,
    REFUSAL_NO_SUCH_LID = 1,
    REFUSAL_LEASE_TOO_LONG = 2,
    REFUSAL_MOTORS_STOPPED = 3,
    REFUSAL_UNKNOWN_TYPE = 4,
    REFUSAL_MALFORMED = 5,
    REFUSAL_SMOKE = 6,
    REFUSAL_MOTOR_RESTS = 7
};

#define LEASE_MOST_MS 60000U /* not an enumerator: an int has 16 bits on the board */

enum {
    TRAVEL_LEAST_MS = 50,
    TRAVEL_MOST_MS = 30000,
    TRIES_MOST = 10,
    HEARTBEAT_MS = 250,
    SILENCE_MS = 1000,
    RESEND_FIRST_MS = 100,
    RESEND_LAST_MS = 800,
    RESENDS_MOST = 10,
    NUMBERS = 255,      /* 1 to 255 */
    NUMBERS_BEHIND = 127 /* this many numbers before the expected one count as repeats */
};

#endif
