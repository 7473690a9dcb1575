"""The ledger's commands on their way to the station, and its answers on their way back.

This process verifies signatures and signs answers; the station's own process judges and acts. Neither the
journal nor the disk is in the way. Nothing is kept here: the ledger repeats a command until it has an answer,
and the station repeats the answer.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from math import inf
from pathlib import Path

from cloud_sync.transport.mailbox import Mailbox, Message
from cloud_sync.transport.mqtt import MqttLink
from cloud_sync.wire import sealed_commands, topics
from cloud_sync.wire.commands import PULSE_S, Answer, Pulse
from cloud_sync.wire.envelope import EnvelopeError, key_id
from config.process.threads import thread
from edge.local.link import LocalLink, NonsenseError
from edge.local.protocol import Beat, Taken
from edge.ports import Clock
from edge.remote.protocol import MAX_PACKET, SOCKET, Answered, LeaveNow, Serves, packed, report_in
from edge.sync.keys import StationIdentity

log = logging.getLogger(__name__)

LOOK_S = 0.5
"""How often the forwarding thread checks whether a pulse is due or it must stop."""


class CommandPost:
    """Forwards commands from `start` to `stop`, on threads of its own."""

    def __init__(  # noqa: PLR0913 (what it stands between)
        self,
        sender: StationIdentity,
        link: MqttLink,
        mailbox: Mailbox,
        folder: Path,
        clock: Clock,
        *,
        uptime: Callable[[], float],
        leave: Callable[[], None],
    ) -> None:
        """Read `mailbox` of `link`, and find the station's socket in `folder`.

        `uptime` returns the seconds of CLOCK_BOOTTIME; `leave` has this process end.
        """
        self._sender, self._link, self._mailbox, self._clock = sender, link, mailbox, clock
        self._uptime, self._leave = uptime, leave
        self._keys = {key_id(sender.keys.ledger): sender.keys.ledger}
        self._station = LocalLink("station", [folder / SOCKET], MAX_PACKET)
        self._station.hear, self._station.lost = self._hear, self._lost
        self._boot: str | None = None
        self._pulse_at = -inf
        self._connections = 0
        self._stopping = threading.Event()
        self._thread = thread(self._forward, "commands")

    def start(self) -> None:
        """Begin to forward; once."""
        self._station.start()
        self._thread.start()

    def stop(self) -> None:
        """End both threads."""
        self._stopping.set()
        self._station.stop()
        if self._thread.is_alive():
            self._thread.join()

    def _forward(self) -> None:
        while not self._stopping.is_set():
            message = self._mailbox.take(LOOK_S)
            if message is not None:
                self._pass_on(message)
            self._send_pulse()

    def _pass_on(self, message: Message) -> None:
        if message.retained:
            log.error("a retained message on %s is ignored: no command is retained", message.topic)
            return
        try:
            command = sealed_commands.open_command(message.payload, self._keys)
        except EnvelopeError as error:
            log.error("command rejected: %s", error)  # noqa: TRY400 (needs no traceback)
            return
        if not self._station.send(packed(command)):
            log.warning("command %s goes nowhere: the station's process does not answer", command.id)

    def _send_pulse(self) -> None:
        """Tell the ledger boot and uptime: every PULSE_S, and at once after a new connection or start."""
        now = self._clock.now()
        if self._connections != self._link.connections:
            self._connections, self._pulse_at = self._link.connections, -inf
        if self._boot is None or not self._link.connected or now - self._pulse_at < PULSE_S:
            return
        if self._publish(Pulse(*self._name, self._boot, round(self._uptime(), 3))):
            self._pulse_at = now

    @property
    def _name(self) -> tuple[str, str]:
        return self._sender.community, self._sender.station

    def _publish(self, record: Answer | Pulse) -> bool:
        sealed = sealed_commands.seal(self._sender.keys.signing, record)
        return self._link.publish(topics.answers(*self._name), sealed, qos=0) is not None

    def _hear(self, packet: bytes) -> None:
        report = report_in(packet)
        match report:
            case None:
                raise NonsenseError("it said what is no report")
            case Serves(boot):
                self._boot, self._pulse_at = boot, -inf
            case Answered(answer):
                self._publish(answer)
            case LeaveNow():
                log.warning("the office has this process end; systemd starts it again")
                self._leave()
            case Taken():
                raise OSError("another sync process is connected to the station")
            case Beat():
                pass

    def _lost(self, why: str) -> None:
        if self._boot is not None and not self._station.is_stopping:
            log.error("the station's process does not answer (%s); no command acts until it does", why)
        self._boot = None
