"""The guard: a process that has only the motors' pins, and turns off a motor that is no longer asked for.

The keeper decides, the guard drives. A request holds for HOLD_S and must be repeated by the loop that watches
the lid, so a keeper that hangs, stops or dies drives nothing longer than that. The guard answers every
request, so that the keeper notices a guard that hangs or ends (`edge/lids/driven.py`).
"""

from __future__ import annotations

import logging
import select
import socket
import struct
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack, suppress
from math import inf

from config.errors import InputError
from config.wiring import GpioLidSection
from edge.hardware.pins import Factory, pin_errors
from edge.lids.motors import Output, output_of

log = logging.getLogger(__name__)

HOLD_S = 0.3
"""How long a motor runs after a request."""
ASK = struct.Struct("<Hdd")
"""A request: motor, value, and its time in seconds of CLOCK_MONOTONIC, which both processes share."""
EVERY_MOTOR = 0xFFFF
"""Requested with the value 0: turn all motors off at once."""
ANSWER = b"."


class Holds:
    """The motors, and until when each may run. Times are passed in."""

    def __init__(self, outputs: Sequence[Output]) -> None:
        """Guard these outputs, which are off."""
        self._outputs = outputs
        self._until = [inf] * len(outputs)

    def ask(self, motor: int, value: float, at: float, now: float) -> None:
        """Drive a motor with this value until HOLD_S after `at`; an older request drives nothing."""
        for each in range(len(self._outputs)) if motor == EVERY_MOTOR else (motor,):
            wanted = 0.0 if now >= at + HOLD_S else value
            self._until[each] = at + HOLD_S if wanted else inf
            self._outputs[each].set(wanted)

    def expire(self, now: float) -> list[int]:
        """Turn off every motor whose time is over; return which."""
        over = [motor for motor, until in enumerate(self._until) if until <= now]
        for motor in over:
            self._until[motor] = inf
            self._outputs[motor].set(0.0)
        return over

    @property
    def due(self) -> float:
        """When `expire` must be called next."""
        return min(self._until, default=inf)


def guard(keeper: socket.socket, wires: Sequence[GpioLidSection], make_pins: Callable[[], Factory]) -> None:
    """Drive the motors of these lids for the keeper at the other end of a packet socket, until it is gone.

    Their pins are claimed at the keeper's first packet.
    """
    if not keeper.recv(1):  # a keeper that did not get the lock of these lids sends nothing
        return
    with ExitStack() as claimed:
        outputs = []
        try:
            pins = make_pins()
            for each in wires:
                outputs.append(output_of(each, pins))
                claimed.callback(outputs[-1].close)  # turns the motor off first
        except InputError as problem:
            keeper.send(f"{problem.what}\n{problem.mend}".encode())
            return
        with suppress(OSError):  # the keeper is gone
            keeper.send(ANSWER)
            _serve(keeper, Holds(outputs))


def _serve(keeper: socket.socket, holds: Holds) -> None:
    while True:
        wait_s = min(1.0, max(0.0, holds.due - time.monotonic()))
        is_there = bool(select.select([keeper], [], [], wait_s)[0])
        for motor in holds.expire(time.monotonic()):
            log.error("motor %d was turned off: the lids' process stopped asking for it", motor)
        if not is_there:
            continue
        packet = keeper.recv(ASK.size + 1)
        if len(packet) != ASK.size:  # an empty packet: the keeper is gone
            return
        _obey(holds, *ASK.unpack(packet))
        with suppress(BlockingIOError):  # a keeper that does not read misses the answer, and restarts
            keeper.send(ANSWER, socket.MSG_DONTWAIT | socket.MSG_NOSIGNAL)


def _obey(holds: Holds, motor: int, value: float, at: float) -> None:
    try:
        holds.ask(motor, value, at, time.monotonic())
    except pin_errors() as error:
        log.error("motor %d does not obey (%s)", motor, error)  # noqa: TRY400 (no bug)
