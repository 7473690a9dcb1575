#include <avr/interrupt.h>
#include <avr/io.h>
#include <util/atomic.h>

#include "parts.h"
#include "ring.h"

enum {
    UBRR_115200 = 16, /* doubled speed: 117,647 baud, 2.1 % fast, like every Arduino Mega */
    UBRR_9600 = 207   /* doubled speed: 9,615 baud */
};

static struct ring from_host, to_host, from_reader[2];
/* Bytes lost to a full ring or an overrun; read it with a debugger or through simavr. */
volatile uint16_t uart_lost;

static void received(struct ring *ring, uint8_t status, uint8_t byte)
{
    bool overran = (status & _BV(DOR0)) != 0; /* DOR is the same bit in every USART */
    if ((!ring_put(ring, byte) || overran) && uart_lost < UINT16_MAX) {
        uart_lost++;
    }
}

ISR(USART0_RX_vect)
{
    uint8_t status = UCSR0A; /* read before UDR0, to match its byte */
    received(&from_host, status, UDR0);
}

ISR(USART2_RX_vect)
{
    uint8_t status = UCSR2A;
    received(&from_reader[0], status, UDR2);
}

ISR(USART3_RX_vect)
{
    uint8_t status = UCSR3A;
    received(&from_reader[1], status, UDR3);
}

ISR(USART0_UDRE_vect)
{
    uint8_t byte;
    if (ring_take(&to_host, &byte)) {
        UDR0 = byte;
    } else {
        UCSR0B = (uint8_t)(UCSR0B & ~_BV(UDRIE0));
    }
}

void uart_start(void)
{
    UBRR0 = UBRR_115200;
    UCSR0A = _BV(U2X0);
    UCSR0C = _BV(UCSZ01) | _BV(UCSZ00);
    UCSR0B = _BV(RXCIE0) | _BV(RXEN0) | _BV(TXEN0);
    UBRR2 = UBRR_9600;
    UCSR2A = _BV(U2X2);
    UCSR2C = _BV(UCSZ21) | _BV(UCSZ20);
    UCSR2B = _BV(RXCIE2) | _BV(RXEN2);
    UBRR3 = UBRR_9600;
    UCSR3A = _BV(U2X3);
    UCSR3C = _BV(UCSZ31) | _BV(UCSZ30);
    UCSR3B = _BV(RXCIE3) | _BV(RXEN3);
    PORTH |= _BV(PH0); /* pulled up: an unplugged reader's line rests high */
    PORTJ |= _BV(PJ0);
}

bool uart_take(uint8_t *byte)
{
    return ring_take(&from_host, byte);
}

size_t uart_room(void)
{
    return ring_room(&to_host);
}

void uart_put(uint8_t byte)
{
    ring_put(&to_host, byte);
    ATOMIC_BLOCK(ATOMIC_RESTORESTATE)
    {
        UCSR0B |= _BV(UDRIE0);
    }
}

bool uart_take_reader(uint8_t *reader, uint8_t *byte)
{
    for (*reader = 0; *reader < 2; (*reader)++) {
        if (ring_take(&from_reader[*reader], byte)) {
            return true;
        }
    }
    return false;
}
