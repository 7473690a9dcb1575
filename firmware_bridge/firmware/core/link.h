/* The device's end of a link: numbers, acknowledgements, repeats, credit, heartbeats.
 * docs/protocol.md, "A link". Does not know the meaning of messages. */
#ifndef TZ_LINK_H
#define TZ_LINK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "frame.h"

enum {
    LINK_CREDIT = 8,                 /* frames of the host that fit the receive ring */
    LINK_REPORTS = 16,               /* reports of ours that may wait */
    LINK_QUEUE = LINK_REPORTS + LINK_CREDIT, /* room for a refusal of each message in flight from the host */
    LINK_SENT_BODY_MAX = 33 /* a SERIAL with 32 bytes is the longest that a device sends */
};

/* The device's description in WELCOME; constant from start to reset. */
struct link_welcome {
    uint32_t boot_id;
    uint16_t sensors; /* a bit for each kind */
    uint8_t lids;
    uint8_t wiegand_readers;
    uint8_t serial_readers;
};

struct link_message {
    uint8_t type;
    uint8_t length;
    uint8_t body[LINK_SENT_BODY_MAX];
};

struct link {
    struct link_welcome welcome;
    uint32_t link_id;  /* 0: no link */
    uint32_t heard_ms; /* when the host was last heard on this link */
    uint32_t beat_ms;  /* when the next HEARTBEAT is due */
    uint32_t sent_ms;  /* when the oldest unacknowledged message was last sent */
    uint32_t hello_id; /* the link that WELCOME answers */
    uint16_t wait_ms;  /* how long until the oldest is sent again */
    uint8_t hello_version;
    uint8_t resends;
    uint8_t expected; /* the number to accept next */
    uint8_t taken;    /* the number last accepted; 0: none yet */
    uint8_t acked;    /* the number of ours last acknowledged; 0: none yet */
    uint8_t credit;   /* how many may be in flight after `acked` */
    uint8_t given;    /* the credit last given to the host */
    uint8_t head;     /* index of the oldest in `queue` */
    uint8_t count;    /* how many are queued */
    uint8_t next;     /* how many of them need not be sent (again) now */
    uint8_t under_way; /* how many of them were ever sent */
    bool is_silent;
    bool welcome_due;
    bool ack_due;
    struct link_message queue[LINK_QUEUE];
};

enum link_event {
    LINK_NOTHING = 0,
    LINK_BEGAN,   /* a new link; the state of the old one is dropped */
    LINK_GONE,    /* the link has ended */
    LINK_SILENT,  /* the host has been silent for a while; returned once */
    LINK_MESSAGE  /* the next numbered message: carry it out, then `link_take` */
};

/* Initialise the link of a device that has just booted. */
void link_start(struct link *link, const struct link_welcome *welcome, uint32_t now_ms);

/* Take a frame. */
enum link_event link_receive(struct link *link, const struct frame *frame, uint32_t now_ms);

/* Accept the message of LINK_MESSAGE, carried out or refused. One that is not accepted is sent again. */
void link_take(struct link *link);

/* Advance the time; return LINK_GONE, LINK_SILENT or LINK_NOTHING. */
enum link_event link_step(struct link *link, uint32_t now_ms);

/* Return whether another report can be queued. */
bool link_has_room(const struct link *link);

/* Queue a report; false if there is no link or no room, or if it is too long. */
bool link_send(struct link *link, uint8_t type, const uint8_t *body, uint8_t length);

/* Queue an answer to a message of the host; the host's credit keeps room for it. */
bool link_answer(struct link *link, uint8_t type, const uint8_t *body, uint8_t length);

/* Write the next frame to send; return its bytes, 0 if none. `wire` has room for FRAME_WIRE_MAX. */
size_t link_emit(struct link *link, uint8_t *wire, uint32_t now_ms);

#endif
