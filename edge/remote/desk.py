"""The station's end of the commands' socket: it posts commands to the inbox and sends answers."""

from __future__ import annotations

import logging
from pathlib import Path

from cloud_sync.wire.commands import Answer
from config.errors import InputError
from config.process.threads import thread
from edge.local.outbound import LocalOutbound
from edge.local.protocol import Beat, Taken
from edge.local.server import LocalServer, SocketName
from edge.messages import Ordered
from edge.ports import Clock, Inbox
from edge.remote.protocol import MAX_PACKET, SOCKET, Answered, LeaveNow, Serves, command_in, packed

log = logging.getLogger(__name__)

NAME = SocketName(
    SOCKET, "commands.lock", "station", "the commands'", "one process serves residents", client="sync process"
)
MOST_A_SECOND = 20
"""Commands that one second may bring; further ones are dropped, and come again if they still matter."""


class Desk:
    """Takes commands from the sync process. Without it the station works, and no command comes."""

    def __init__(self, folder: Path, boot: str, clock: Clock, inbox: Inbox) -> None:
        """Listen in `folder`; if that is impossible, say so in the log and take no commands."""
        self._boot, self._clock, self._inbox = boot, clock, inbox
        self._outbound = LocalOutbound()
        self._second, self._count = 0.0, 0
        self._server: LocalServer | None = None
        try:
            server = LocalServer([folder], NAME, self._outbound, MAX_PACKET, packed(Taken()))
        except InputError as error:
            log.error("no command can come: %s; %s", error.what, error.mend)  # noqa: TRY400 (needs no traceback)
            return
        server.greet = self._greet
        server.hear = self._hear
        self._server = server
        self._thread = thread(lambda: server.run(self._beat), "commands")

    def start(self) -> None:
        """Begin to listen; once."""
        if self._server is not None:
            self._thread.start()

    def stop(self) -> None:
        """Disconnect and release the folder; may be called if it never started."""
        if self._server is None:
            return
        self._server.stop()
        if self._thread.is_alive():
            self._thread.join()
        self._server.close()
        self._server = None

    def answer(self, answer: Answer) -> None:
        """Send an answer, if the sync process is connected; it asks again otherwise. Never blocks."""
        self._outbound.send_packet(packed(Answered(answer)))

    def send_sync_away(self) -> bool:
        """Have the sync process end; return whether it is connected."""
        return self._outbound.send_packet(packed(LeaveNow()))

    def _greet(self) -> None:
        self._outbound.send_packet(packed(Serves(self._boot)))

    def _beat(self) -> None:
        self._outbound.send_packet(packed(Beat()))

    def _hear(self, packet: bytes) -> None:
        command = command_in(packet)
        if command is None:
            log.error("a command that cannot be read was ignored")
        elif self._is_within_rate():
            self._inbox.post(Ordered(self._clock.now(), command))
        else:
            log.warning("command %s is dropped: more than %d in a second", command.id, MOST_A_SECOND)

    def _is_within_rate(self) -> bool:
        now = self._clock.now()
        if now >= self._second + 1:
            self._second, self._count = now, 0
        self._count += 1
        return self._count <= MOST_A_SECOND
