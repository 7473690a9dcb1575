"""The only module that speaks MQTT: a thin adapter over paho, used by a station's sync and by the ledger.

Every connection gets a new paho client. A paho client that outlives its connection keeps unacknowledged
messages in memory and sends them again past any window, and a late acknowledgement could hit another
message with the same packet id. The broker keeps the session under the client id, so no unacknowledged
message is lost.
"""

from __future__ import annotations

import logging
import random
import socket
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum, auto
from pathlib import Path
from queue import Full, Queue

from paho.mqtt.client import Client, MQTTMessage, topic_matches_sub
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode, MQTTProtocolVersion
from paho.mqtt.reasoncodes import ReasonCode

from cloud_sync.transport.mailbox import Mailbox, Message
from config.errors import InputError
from config.process.threads import Complaints, thread
from config.reading.private import read_secret
from config.station import CloudSection

log = logging.getLogger(__name__)
_PAHO = logging.getLogger(f"{__name__}.paho")
_PAHO.addFilter(lambda record: "Client is not connected" not in record.getMessage())
"""paho logs this as an error whenever its loop finds the connection closed, even after a goodbye."""

QOS = 1
KEEPALIVE_S = 30
CONNECT_TIMEOUT_S = 5.0
FIRST_PAUSE_S = 0.25
LONGEST_PAUSE_S = 30.0
GOODBYE_S = 4.0
LASTING_S = 10.0
"""After a connection that lasted this long, pauses start again from the first."""
STEADY_S = 4 * LONGEST_PAUSE_S
"""After a connection that lasted this long, we assume that nobody else uses our name."""
TAKEN_OVER = 3
"""After this many good connections in a row that end within seconds, another client uses our name."""
BACKLOG = 256
"""Messages that wait for the caller; when it is full the network thread waits, and TCP slows the broker."""


class Refusal(StrEnum):
    """Why a broker refuses a client."""

    NAME = auto()
    """It does not accept the user name with this password, or the client id."""
    RIGHTS = auto()
    """It denies a subscription."""


@dataclass(frozen=True, slots=True)
class Will:
    """The retained message that the broker publishes for a client that vanished without a goodbye.

    `payload` is made for each connection, from its number: `MqttLink.attempts`.
    """

    topic: str
    payload: Callable[[int], bytes]


def pause_s(failures: int, jitter: random.Random) -> float:
    """Return the pause after this many failed connections in a row: doubling, capped, with jitter."""
    longest = min(LONGEST_PAUSE_S, FIRST_PAUSE_S * 2.0 ** min(failures, 32))
    return longest * jitter.uniform(0.5, 1.0)


class MqttLink:
    """A persistent MQTT 3.1.1 session at QoS 1 that reconnects by itself.

    `messages` is filled by the network thread and read by the caller's: `messages.get(timeout=…)`.
    `mailboxes` are subscriptions at QoS 0, each with a bounded queue of its own; a message that fits one goes
    there and not to `messages`. mosquitto keeps none of these for a client that is away; iotcore does. The
    link works without those that the broker denies.
    `leaves` are subscriptions that the session may have from before and ends.
    `window` bounds the publishes that wait for their PUBACK. A link that is not `lasting` leaves the
    broker no session. `on_puback` gets the token of each publish that the broker took; it runs on the
    network thread, so it may only hand over.
    `attempts` counts those that were tried, so it numbers the present connection. `connections` counts those
    that came about: when it has grown, send again what has no receipt. `refusal` says why the
    broker, when it last answered, did not let us in.
    """

    def __init__(  # noqa: PLR0913 (eight of them have a default that fits)
        self,
        broker: CloudSection,
        client_id: str,
        subscriptions: Sequence[str],
        *,
        will: Will | None = None,
        mailboxes: Sequence[Mailbox] = (),
        leaves: Sequence[str] = (),
        window: int = 20,
        lasting: bool = True,
        on_puback: Callable[[int], None] = lambda _token: None,
        jitter: random.Random | None = None,
    ) -> None:
        self.messages: Queue[Message] = Queue(BACKLOG)
        self.attempts = self.connections = 0
        self.refusal: Refusal | None = None
        self.client_id, self.subscriptions = client_id, tuple(subscriptions)
        self.mailboxes, self.leaves = tuple(mailboxes), tuple(leaves)
        self.window, self.on_puback = window, on_puback
        self._broker, self._will = broker, will
        _password(broker)  # raise now if it cannot be read
        self.complaints = Complaints(log)
        self._lasting = lasting
        self._jitter = jitter or random.Random()  # noqa: S311 (spreads reconnections, guards nothing)
        self._stopping = threading.Event()
        self._connection: _Connection | None = None
        self._taken_over = 0
        self._thread = thread(self._keep_connected, f"mqtt {client_id}")

    def start(self) -> None:
        """Connect in the background, again and again until `stop()`; return at once."""
        self._thread.start()

    def stop(self) -> None:
        """Send what was published, disconnect from the broker (so no will is sent) and end the thread.

        If the broker does not answer within GOODBYE_S, leave without a goodbye.
        """
        self._stopping.set()
        if (connection := self._connection) is not None:
            connection.close()
            if not connection.ended.wait(GOODBYE_S):
                connection.ended.set()
        self._thread.join(GOODBYE_S)  # it may be in a TLS handshake, which can take long

    @property
    def connected(self) -> bool:
        """Whether the broker has accepted us and granted every subscription but those of mailboxes."""
        connection = self._connection
        return connection is not None and connection.usable

    @property
    def contested(self) -> bool:
        """Whether another client with our name seems to end our connection again and again."""
        return self._taken_over >= TAKEN_OVER

    @property
    def wants(self) -> list[tuple[str, int]]:
        """Every subscription with its QoS."""
        return [(topic, QOS) for topic in self.subscriptions] + [(box.topic, 0) for box in self.mailboxes]

    def publish(self, topic: str, payload: bytes, *, retain: bool = False, qos: int = QOS) -> int | None:
        """Send now; return the token for `on_puback`, or None if not connected or the window is full.

        A publish that gets None is not kept: the caller's outbox is the only queue. At QoS 0 `on_puback` only
        means that the message was sent.
        """
        connection = self._connection
        return connection.publish(topic, payload, qos, retain=retain) if connection else None

    def _keep_connected(self) -> None:
        failures = 0
        while not self._stopping.is_set():
            failures = 0 if self._tried_once() else failures + 1
            self._stopping.wait(pause_s(failures, self._jitter))

    def _tried_once(self) -> bool:
        """Connect and wait until the connection ends; return whether it lasted. Log each new cause once."""
        at = f"{self._broker.host}:{self._broker.port}"
        try:
            return self._connect_once()
        except InputError as error:
            self.complain(logging.ERROR, f"{error.what}; {error.mend}; it is tried again until then")
        except (OSError, ValueError) as error:  # ValueError: not a valid host name
            self.complain(logging.WARNING, f"no broker at {at} ({error})")
        except Exception as error:  # noqa: BLE001 (the outermost loop: it tries again)
            self.complaints.raised(f"the connection to {at} failed", error)
        return False

    def complain(self, level: int, words: str) -> None:
        """Log why there is no connection, unless the last cause was the same."""
        if self.complaints.is_new(words):
            log.log(level, "%s", words)

    def _connect_once(self) -> bool:
        self.attempts += 1
        connection = _Connection(self.connections + 1, self._client(), self)
        try:
            try:
                connection.client.connect(self._broker.host, self._broker.port, KEEPALIVE_S)
            except OSError:
                self._noticed_taking_over(0)  # the broker is away: nobody takes our connection over
                raise
            return self._live(connection)
        finally:
            self._connection = None
            connection.forget()

    def _live(self, connection: _Connection) -> bool:
        self.connections += 1
        self._connection = connection
        connection.client.loop_start()
        if self._stopping.is_set():
            connection.close()
        lasted = not connection.ended.wait(LASTING_S)
        if lasted and not connection.ended.wait(STEADY_S):
            self._noticed_taking_over(0)
        connection.ended.wait()
        self._connection = None
        connection.client.loop_stop()
        if connection.ready.is_set() and not lasted and not self._stopping.is_set():
            self._noticed_taking_over(self._taken_over + 1)
        return lasted

    def _noticed_taking_over(self, times: int) -> None:
        """Count good connections in a row that ended within seconds; log when `contested` changes.

        A broker silently ends a connection when another client connects with the same name.
        """
        was = self.contested
        self._taken_over = times
        name, at = self.client_id, f"{self._broker.host}:{self._broker.port}"
        if self.contested and not was:
            log.warning(
                "another process or Pi uses the name %s at the broker %s: each ends the other's connection; "
                "stop one of them, or give it its own name and key",
                *(name, at),
            )
        elif was and not self.contested:
            log.info("nobody else uses the name %s at the broker %s any more", name, at)

    def _client(self) -> _Client:
        client = _Client(
            CallbackAPIVersion.VERSION2,
            self.client_id,
            clean_session=not self._lasting,
            protocol=MQTTProtocolVersion.MQTTv311,
            reconnect_on_failure=False,
            manual_ack=True,
        )
        client.suppress_exceptions = True  # a failing callback must not end the network thread unnoticed
        client.enable_logger(_PAHO)
        client.connect_timeout = CONNECT_TIMEOUT_S
        client.max_inflight_messages_set(0)  # no queue in paho: only our window decides
        client.on_socket_open = _without_delay
        if self._broker.tls_ca is not None:
            _trust(client, self._broker.tls_ca)
        if self._broker.username is not None:
            client.username_pw_set(self._broker.username, _password(self._broker))
        if self._will is not None:
            client.will_set(self._will.topic, self._will.payload(self.attempts), QOS, retain=True)
        return client

    def deliver(self, message: Message) -> None:
        """Queue one message for the caller; called by the network thread. Only `messages` waits for room."""
        for box in self.mailboxes:
            if topic_matches_sub(box.topic, message.topic):
                message.ack()
                box.put(message)
                return
        while not self._stopping.is_set():
            try:
                self.messages.put(message, timeout=0.2)
            except Full:
                continue
            return


class _Client(Client):
    """paho's client; `ended` is set when its network loop ends, by a goodbye or an unreadable packet."""

    ended: threading.Event
    complaints: Complaints

    def loop_forever(self, timeout: float = 1.0, retry_first_connection: bool = False) -> MQTTErrorCode:  # noqa: FBT001, FBT002 (paho's own)
        """Run until the connection ends; paho's thread calls this."""
        try:
            return super().loop_forever(timeout, retry_first_connection)
        except Exception as error:  # noqa: BLE001 (paho's thread ends here: that must be noticed)
            self.complaints.raised("the connection to the broker broke", error)
            return MQTTErrorCode.MQTT_ERR_UNKNOWN
        finally:
            self.ended.set()


class _Connection:
    """One connection's life: its paho client, its window, its end. Callbacks run on paho's thread."""

    def __init__(self, number: int, client: _Client, link: MqttLink) -> None:
        self.client = client
        self.ready = threading.Event()
        self.ended = threading.Event()
        client.ended, client.complaints = self.ended, link.complaints
        self._number, self._link = number, link
        self._window = threading.Semaphore(link.window)
        client.on_connect = self._on_connect
        client.on_subscribe = self._on_subscribe
        client.on_message = self._on_message
        client.on_publish = self._on_publish
        client.on_disconnect = self._on_disconnect

    @property
    def usable(self) -> bool:
        return self.ready.is_set() and not self.ended.is_set()

    def publish(self, topic: str, payload: bytes, qos: int, *, retain: bool) -> int | None:
        if not self.usable or not self._window.acquire(blocking=False):
            return None
        sent = self.client.publish(topic, payload, qos, retain)
        return self._token(sent.mid) if sent.rc is MQTTErrorCode.MQTT_ERR_SUCCESS else None

    def close(self) -> None:
        if self.client.disconnect() is not MQTTErrorCode.MQTT_ERR_SUCCESS:
            self.ended.set()

    def forget(self) -> None:
        """Break the reference cycle so that sockets close now, not at garbage collection."""
        client = self.client
        client.on_connect = client.on_subscribe = client.on_message = None
        client.on_publish = client.on_disconnect = client.on_socket_open = None

    def _token(self, mid: int) -> int:
        return self._number << 16 | mid

    def _ack(self, message: MQTTMessage) -> None:
        if not self.ended.is_set():
            self.client.ack(message.mid, message.qos)

    def _on_connect(self, client: Client, _1: object, _2: object, code: ReasonCode, *_: object) -> None:
        if code.is_failure:  # paho ends the connection by itself
            self._link.refusal = Refusal.NAME
            self._link.complain(logging.ERROR, f"the broker refuses {self._link.client_id}: {code}")
        elif self._link.wants:
            if self._link.leaves:
                client.unsubscribe(list(self._link.leaves))
            client.subscribe(self._link.wants)
        else:
            self._let_in()

    def _on_subscribe(self, client: Client, _1: object, _2: int, codes: list[ReasonCode], *_: object) -> None:
        needed = len(self._link.subscriptions)
        for box, code in zip(self._link.mailboxes, codes[needed:], strict=False):
            box.note_grant(is_granted=not code.is_failure)
        if any(code.is_failure for code in codes[:needed]):
            self._link.refusal = Refusal.RIGHTS
            words = f"the broker denies a subscription among {self._link.subscriptions}"
            self._link.complain(logging.ERROR, words)
            client.disconnect()
        else:
            self._let_in()

    def _let_in(self) -> None:
        self._link.refusal = None
        self.ready.set()
        self._link.complaints.over()

    def _on_message(self, _client: Client, _data: object, message: MQTTMessage) -> None:
        payload = bytes(message.payload)
        self._link.deliver(Message(message.topic, payload, message.retain, lambda: self._ack(message)))

    def _on_publish(self, _client: Client, _data: object, mid: int, *_: object) -> None:
        self._window.release()
        self._link.on_puback(self._token(mid))

    def _on_disconnect(self, *_: object) -> None:
        self.ended.set()


def _without_delay(_client: Client, _data: object, sock: object) -> None:
    """Send small packets at once; otherwise each waits 40 ms for the broker's delayed acknowledgement."""
    if isinstance(sock, socket.socket):
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)


def _trust(client: Client, authority: str) -> None:
    """Use TLS and trust this CA file. InputError if the file cannot be used at this moment."""
    try:
        client.tls_set(ca_certs=authority)
    except (OSError, ValueError) as error:  # ssl's own error is an OSError
        what = f"the broker's CA file {authority} cannot be used ({error})"
        raise InputError(what, "put the ledger's ca.pem there") from None


def _password(broker: CloudSection) -> str | None:
    if broker.password_file is None:
        return None
    try:
        return read_secret(Path(broker.password_file))
    except InputError as problem:
        raise InputError(f"broker password file {problem.what}", problem.mend) from None
