"""Counts a serial line's damaged bytes, by the counters of Linux's driver."""

from __future__ import annotations

import fcntl
import struct

_TIOCGICOUNT = 0x545D
_COUNTERS = struct.Struct("20i")
"""struct serial_icounter_struct of linux/serial.h: cts, dsr, rng, dcd, rx, tx, frame, overrun, parity, brk"""
_FRAME, _PARITY, _BREAK = 6, 8, 9


def line_errors(port: int) -> int | None:
    """Return framing errors, parity errors and breaks since the driver was loaded; None if not counted.

    `port` is an open descriptor. A loose wire at a low level shows as breaks.
    """
    try:
        counters = _COUNTERS.unpack(fcntl.ioctl(port, _TIOCGICOUNT, bytes(_COUNTERS.size)))
    except OSError:  # a pty, and some drivers, count nothing
        return None
    errors: int = counters[_FRAME] + counters[_PARITY] + counters[_BREAK]
    return errors
