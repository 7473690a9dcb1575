/* The device's end of a link: numbers, acknowledgements, repeats, credit, heartbeats.
 * docs/protocol.md, "A link". Knows no meaning of what it carries. */
#ifndef TZ_LINK_H
#define TZ_LINK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "frame.h"

enum {
    LINK_CREDIT = 8,                 /* so many frames of the host fit the receiving ring */
    LINK_REPORTS = 16,               /* so many messages of ours may wait */
    LINK_QUEUE = LINK_REPORTS + LINK_CREDIT, /* and a refusal of all that the host may have under way */
    LINK_SENT_BODY_MAX = 33 /* a SERIAL with 32 bytes is the longest that a device sends */
};

/* What WELCOME says of the device; stays the same from start to reset. */
struct link_welcome {
    uint32_t boot_id;
    uint16_t sensors; /* a bit per kind */
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
    uint32_t heard_ms; /* when something of this link was last heard */
    uint32_t beat_ms;  /* when the next HEARTBEAT is due */
    uint32_t sent_ms;  /* when the oldest unacknowledged message was last sent */
    uint32_t hello_id; /* the link that WELCOME answers */
    uint16_t wait_ms;  /* how long the oldest waits before it is sent again */
    uint8_t hello_version;
    uint8_t resends;
    uint8_t expected; /* the number to take next */
    uint8_t taken;    /* the number last taken; 0: none yet */
    uint8_t acked;    /* the number of ours last acknowledged; 0: none yet */
    uint8_t credit;   /* how many may be under way after `acked` */
    uint8_t given;    /* the credit last given to the host */
    uint8_t head;     /* where the oldest stands in `queue` */
    uint8_t count;    /* how many stand there */
    uint8_t next;     /* how many of them need not be sent (again) now */
    uint8_t under_way; /* how many of them were ever sent */
    bool is_silent;
    bool welcome_due;
    bool ack_due;
    struct link_message queue[LINK_QUEUE];
};

enum link_event {
    LINK_NOTHING = 0,
    LINK_BEGAN,   /* a fresh link; what was before is forgotten */
    LINK_GONE,    /* there is no link any more */
    LINK_SILENT,  /* the host has not been heard for a while; said once */
    LINK_MESSAGE  /* a numbered message has come in its turn: act on it, then `link_take` */
};

/* Make a device's link that has just booted. */
void link_start(struct link *link, const struct link_welcome *welcome, uint32_t now_ms);

/* A frame has come. */
enum link_event link_receive(struct link *link, const struct frame *frame, uint32_t now_ms);

/* The message of LINK_MESSAGE was acted upon, or refused. One that is not taken comes again. */
void link_take(struct link *link);

/* Let the time that has passed have its effect: LINK_GONE, LINK_SILENT or LINK_NOTHING. */
enum link_event link_step(struct link *link, uint32_t now_ms);

/* Whether another report can be queued. */
bool link_has_room(const struct link *link);

/* Queue a report; false when there is no link or no room, or it is too long. */
bool link_send(struct link *link, uint8_t type, const uint8_t *body, uint8_t length);

/* The same for what answers a message of the host: the credit it was given keeps room for it. */
bool link_answer(struct link *link, uint8_t type, const uint8_t *body, uint8_t length);

/* Write the frame that is to go out next, if any; says how many bytes. `wire` has room for FRAME_WIRE_MAX. */
size_t link_emit(struct link *link, uint8_t *wire, uint32_t now_ms);

#endif
