"""The guard: a process with nothing but the motors' pins, which makes one low that is not asked for any more.

The keeper decides, the guard drives. What the keeper asks for holds HOLD_S and must be asked for again, from
the very loop that watches the lid: a keeper that hangs, stops or dies drives nothing for longer. The guard
answers everything, so that a keeper notices one that hangs or ends (`edge/lids/driven.py`).
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
"""How long a motor runs after it was asked for."""
ASK = struct.Struct("<Hdd")
"""Which motor, its value, and when it was asked for, in seconds of CLOCK_MONOTONIC, which both share."""
EVERY_MOTOR = 0xFFFF
"""Asked for with the value 0: all of them off at once."""
ANSWER = b"."


class Holds:
    """Motors and until when each may run. Times are passed in."""

    def __init__(self, outputs: Sequence[Output]) -> None:
        """Guard these outputs, all off."""
        self._outputs = outputs
        self._until = [inf] * len(outputs)

    def ask(self, motor: int, value: float, at: float, now: float) -> None:
        """Drive a motor by this value until HOLD_S after `at`; what was asked for long ago drives nothing."""
        for each in range(len(self._outputs)) if motor == EVERY_MOTOR else (motor,):
            wanted = 0.0 if now >= at + HOLD_S else value
            self._until[each] = at + HOLD_S if wanted else inf
            self._outputs[each].set(wanted)

    def expire(self, now: float) -> list[int]:
        """Turn off every motor whose time is over; say which."""
        over = [motor for motor, until in enumerate(self._until) if until <= now]
        for motor in over:
            self._until[motor] = inf
            self._outputs[motor].set(0.0)
        return over

    @property
    def due(self) -> float:
        """When `expire` has to be called."""
        return min(self._until, default=inf)


def guard(keeper: socket.socket, wires: Sequence[GpioLidSection], make_pins: Callable[[], Factory]) -> None:
    """Drive the motors of these lids for the keeper at the other end of a packet socket, until it goes.

    Their pins are claimed when it says the first word.
    """
    if not keeper.recv(1):  # a keeper that may not keep these lids says nothing
        return
    with ExitStack() as claimed:
        outputs = []
        try:
            pins = make_pins()
            for each in wires:
                outputs.append(output_of(each, pins))
                claimed.callback(outputs[-1].close)  # which turns it off first
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
            log.error("motor %d was turned off: the keeper of the lids asks for nothing any more", motor)
        if not is_there:
            continue
        packet = keeper.recv(ASK.size + 1)
        if len(packet) != ASK.size:  # nothing: the keeper is gone
            return
        _obey(holds, *ASK.unpack(packet))
        with suppress(BlockingIOError):  # a keeper that does not read finds a guard that does not answer
            keeper.send(ANSWER, socket.MSG_DONTWAIT | socket.MSG_NOSIGNAL)


def _obey(holds: Holds, motor: int, value: float, at: float) -> None:
    try:
        holds.ask(motor, value, at, time.monotonic())
    except pin_errors() as error:
        log.error("motor %d does not obey (%s)", motor, error)  # noqa: TRY400 (no bug)
