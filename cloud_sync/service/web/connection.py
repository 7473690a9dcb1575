"""An HTTP/1.1 connection with time limits; uvicorn's has one only between two requests."""

from __future__ import annotations

import asyncio
import logging
from enum import StrEnum
from typing import Any, cast

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol, RequestResponseCycle

from cloud_sync.service.web.gate import Gate

log = logging.getLogger(__name__)
log.setLevel(logging.ERROR)  # uvicorn warns at each bad request; the gate logs one line for all of them


class Due(StrEnum):
    """What the other end must do next; the values are log texts for when it does not."""

    REQUEST = "sent no whole request in time"
    BODY = "sent no whole body in time"
    LEAVING = "did not take the end of an answer"


class Connection(H11Protocol):
    """Closes itself when the other end is too slow or sends too much."""

    def __init__(self, *given: Any, gate: Gate, **named: Any) -> None:  # noqa: ANN401 (uvicorn's own)
        super().__init__(*given, **named)
        self.logger = log
        self._gate = gate
        self._address = ""
        self._due: Due | None = None
        self._due_timer: asyncio.TimerHandle | None = None
        self._stall_timer: asyncio.TimerHandle | None = None
        self._body_bytes = 0

    @property
    def waits(self) -> bool:
        """Whether no complete request waits for its answer."""
        cycle = cast("RequestResponseCycle | None", self.cycle)
        return cycle is None or cycle.response_complete or self.conn.their_state is h11.SEND_BODY

    def turn_away(self) -> None:
        """Close at once, without sending what is left."""
        self.transport.abort()

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn's
        """Ask the gate for a place."""
        super().connection_made(transport)
        self._address = self.client[0] if self.client else ""
        self._expect(Due.REQUEST)
        self._gate.enter(self, self._address)

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop all timers and leave the gate."""
        self._expect(None)
        self.resume_writing()
        self._gate.leave(self)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Take bytes and start the next time limit."""
        super().data_received(data)
        self._body_bytes += len(data)
        if self.conn.their_state is not h11.SEND_BODY:
            self._body_bytes = 0
        elif self._body_bytes > self._gate.bounds.body_bytes:
            self._give_up(f"sent more than {self._gate.bounds.body_bytes} bytes")
        self._see_what_is_due()

    def on_response_complete(self) -> None:
        """Continue with the next request."""
        super().on_response_complete()
        self._see_what_is_due()

    def timeout_keep_alive_handler(self) -> None:
        """Close a connection that is idle."""
        super().timeout_keep_alive_handler()
        self._see_what_is_due()

    def send_400_response(self, msg: str) -> None:
        """Refuse what is not HTTP."""
        self._gate.turned_away.note("sent no HTTP", self._address)
        super().send_400_response(msg)

    def pause_writing(self) -> None:
        """Start the time limit for the other end to read what was sent."""
        super().pause_writing()
        self._stall_timer = self.loop.call_later(
            self._gate.bounds.answer_s, self._give_up, "did not take an answer"
        )

    def resume_writing(self) -> None:
        """Stop that time limit: the other end has read it."""
        super().resume_writing()
        if self._stall_timer is not None:
            self._stall_timer.cancel()
            self._stall_timer = None

    def _see_what_is_due(self) -> None:
        if self.transport.is_closing():
            self._expect(Due.LEAVING)
        elif self.conn.their_state is h11.SEND_BODY:
            self._expect(Due.BODY)
        elif self.conn.their_state is h11.IDLE and self.timeout_keep_alive_task is None:
            self._expect(Due.REQUEST)
        else:
            self._expect(None)

    def _expect(self, due: Due | None) -> None:
        """Start a time limit unless it already runs: more bytes do not extend it."""
        if due is self._due:
            return
        if self._due_timer is not None:
            self._due_timer.cancel()
        self._due, self._due_timer = due, None
        if due is not None:
            bounds = self._gate.bounds
            limits = {Due.REQUEST: bounds.header_s, Due.BODY: bounds.body_s, Due.LEAVING: bounds.answer_s}
            self._due_timer = self.loop.call_later(limits[due], self._give_up, due.value)

    def _give_up(self, reason: str) -> None:
        self._gate.turned_away.note(reason, self._address)
        self.turn_away()
