"""The broker that `tongzhan ledger broker` makes: what it lets each user say and hear; a real mosquitto."""

from __future__ import annotations

import base64
import getpass
import shutil
import socket
import ssl
import stat
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from cloud_sync.ledger.broker import users
from cloud_sync.ledger.broker.certificates import (
    AUTHORITY_AGE,
    RENEWED_BEFORE,
    SERVER_AGE,
    Identity,
    make_server,
    serves,
)
from cloud_sync.ledger.broker.files import BrokerSpec, write_broker
from cloud_sync.ledger.broker.mosquitto import Listeners
from cloud_sync.transport.mqtt import MqttLink
from cloud_sync.wire import topics
from config.errors import InputError
from config.station import CloudSection
from scripts.testbed.ports import free_ports
from tests.brokers import MISSING, MosquittoBroker
from tests.waiting import WITHIN_S, until

COMMUNITY = "sunny-garden"
EAST, WEST = "east-gate", "west-gate"
CONNECT = bytes.fromhex("100c00044d5154540402003c0000")
"""An MQTT 3.1.1 client that gives neither name nor password."""


@dataclass
class Guarded:
    """A folder that was written, with the passwords that came of it."""

    folder: Path
    wanted: BrokerSpec
    now: datetime

    def write(self, **changes: object) -> dict[str, Path]:
        """Write again with other wishes."""
        self.wanted = replace(self.wanted, **changes)  # type: ignore[arg-type]
        return write_broker(self.folder, self.wanted, self.now)

    def modes(self) -> dict[str, int]:
        return {
            file.name: stat.S_IMODE(file.stat().st_mode) for file in self.folder.rglob("*") if file.is_file()
        }

    def settings(self, user: str, *, port: int = 0, password: Path | None = None) -> CloudSection:
        """How this user connects, where it should unless `port` says otherwise."""
        listeners = self.wanted.listeners
        own = listeners.station_port if "." in user else listeners.ledger_port
        return CloudSection(
            host="127.0.0.1",
            port=port or own,
            tls_ca=str(self.folder / "ca.pem"),
            username=user,
            password_file=str(password or self.folder / "credentials" / f"{user}.password"),
        )


@pytest.fixture
def guarded(tmp_path: Path) -> Guarded:
    first = free_ports(2)
    (tmp_path / "data").mkdir()
    listeners = Listeners(first, first + 1, "127.0.0.1", getpass.getuser(), tmp_path / "data")
    wanted = BrokerSpec(
        COMMUNITY, {COMMUNITY: {EAST, WEST}}, set(), {"127.0.0.1", "broker.example.org"}, listeners
    )
    made = Guarded(tmp_path / "broker", wanted, datetime.now(UTC))
    made.write()
    return made


@pytest.fixture
def mosquitto(guarded: Guarded) -> Iterator[MosquittoBroker]:
    if shutil.which("mosquitto") is None:
        pytest.skip(MISSING)
    port = guarded.wanted.listeners.ledger_port  # the last that it opens
    running = MosquittoBroker(guarded.folder, config=guarded.folder / "mosquitto.conf", port=port)
    running.start()
    yield running
    running.stop()


Join = Callable[..., MqttLink]


@pytest.fixture
def join(guarded: Guarded, mosquitto: MosquittoBroker) -> Iterator[Join]:
    """Connect as a user; `wait=False` where the broker is expected to refuse."""
    links: list[MqttLink] = []

    def start(
        user: str,
        *subscriptions: str,
        settings: CloudSection | None = None,
        name: str = "",
        wait: bool = True,
    ) -> MqttLink:
        link = MqttLink(settings or guarded.settings(user), name or f"{user} {len(links)}", subscriptions)
        links.append(link)
        link.start()
        if wait:
            until(lambda: link.connected, f"{user} is let in: {mosquitto.log}")
        return link

    yield start
    for link in links:
        link.stop()


def heard(link: MqttLink) -> tuple[str, bytes]:
    message = link.messages.get(timeout=WITHIN_S)
    message.ack()
    return message.topic, message.payload


def say(link: MqttLink, topic: str, payload: bytes = b"x") -> None:
    assert link.publish(topic, payload) is not None


def east(name: str, station: str = EAST) -> str:
    """One of a station's topics."""
    return topics.events(COMMUNITY, station).removesuffix("events") + name


@pytest.fixture
def gate() -> str:
    return users.station_user(COMMUNITY, EAST)


def test_a_station_and_its_ledger_hear_each_other(join: Join, gate: str) -> None:
    station = join(gate, *(east(name) for name in users.TO_STATION))
    ledger = join(
        COMMUNITY, *(topics.events(COMMUNITY, "+").replace("events", name) for name in users.FROM_STATION)
    )
    for name in users.FROM_STATION:
        say(station, east(name), name.encode())
        assert heard(ledger) == (east(name), name.encode())
    for name in users.TO_STATION:
        say(ledger, east(name), name.encode())
        assert heard(station) == (east(name), name.encode())


DENIED = [
    east("receipts"),
    east("commands"),
    east("notice"),
    east("events", WEST),
    east("state", WEST),
    topics.events("other-garden", EAST),
    "tz/1",
    "elsewhere",
]


@pytest.mark.parametrize("topic", DENIED)
def test_what_a_station_may_not_say_goes_nowhere(join: Join, gate: str, topic: str) -> None:
    ledger, neighbour = join(COMMUNITY, "#"), join(users.station_user(COMMUNITY, WEST), "#")
    station = join(gate)
    say(station, topic, b"denied")

    def is_heard() -> bool:
        # mosquitto 2.0.11 acknowledges what it denies, and where queues are unlimited also hangs up.
        station.publish(east("events"), b"allowed")
        return not ledger.messages.empty()

    until(is_heard, "what the station may say is heard")
    say(ledger, east("receipts", WEST), b"own")
    assert heard(ledger) == (east("events"), b"allowed")
    assert heard(neighbour) == (east("receipts", WEST), b"own")


def test_a_station_that_listens_to_everything_hears_its_own_alone(join: Join, gate: str) -> None:
    nosy = join(gate, "#", east("receipts", WEST), east("events", WEST), "$SYS/#")
    neighbour, ledger = join(users.station_user(COMMUNITY, WEST)), join(COMMUNITY)
    say(neighbour, east("events", WEST))
    say(ledger, east("receipts", WEST))
    say(ledger, east("receipts"), b"yours")
    assert heard(nosy) == (east("receipts"), b"yours")


def test_a_retained_receipt_is_not_for_the_neighbour(join: Join, gate: str) -> None:
    ledger = join(COMMUNITY)
    for station in (WEST, EAST):
        assert ledger.publish(east("receipts", station), station.encode(), retain=True) is not None
    assert heard(join(gate, "tz/1/#")) == (east("receipts"), EAST.encode())


def refusal(caplog: pytest.LogCaptureFixture, what: str) -> None:
    until(lambda: what in caplog.text, f"{what!r} in {caplog.text!r}")


def test_a_wrong_password_is_refused(
    join: Join, gate: str, guarded: Guarded, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    wrong = tmp_path / "wrong"
    wrong.write_text("open sesame")
    wrong.chmod(0o600)
    link = join(gate, settings=guarded.settings(gate, password=wrong), wait=False)
    refusal(caplog, "Not authorized")
    assert not link.connected


def test_neither_kind_of_user_gets_in_by_the_others_door(
    join: Join, gate: str, guarded: Guarded, caplog: pytest.LogCaptureFixture
) -> None:
    ports = guarded.wanted.listeners
    join(gate, settings=guarded.settings(gate, port=ports.ledger_port), name="sneaking station", wait=False)
    refusal(caplog, "refuses sneaking station: Not authorized")
    join(
        COMMUNITY,
        settings=guarded.settings(COMMUNITY, port=ports.station_port),
        name="lost ledger",
        wait=False,
    )
    refusal(caplog, "refuses lost ledger: Not authorized")


# paho leaves the socket of a failed handshake to the garbage collector, so this asks what paho asks.
def test_a_broker_of_another_authority_is_not_believed(
    mosquitto: MosquittoBroker, guarded: Guarded, tmp_path: Path
) -> None:
    write_broker(tmp_path / "other", guarded.wanted, guarded.now)
    context = ssl.create_default_context(cafile=tmp_path / "other" / "ca.pem")
    with (
        socket.create_connection(("127.0.0.1", mosquitto.port), WITHIN_S) as plain,
        pytest.raises(ssl.SSLCertVerificationError),
    ):
        context.wrap_socket(plain, server_hostname="127.0.0.1")


@pytest.mark.parametrize("door", ["station_port", "ledger_port"])
def test_without_tls_there_is_no_answer(mosquitto: MosquittoBroker, guarded: Guarded, door: str) -> None:
    assert mosquitto.keeps_sessions
    with socket.create_connection(("127.0.0.1", getattr(guarded.wanted.listeners, door)), WITHIN_S) as plain:
        plain.settimeout(WITHIN_S)
        plain.sendall(CONNECT)
        answer = b""
        while part := _received(plain):
            answer += part
    assert not answer.startswith(b"\x20")


def _received(plain: socket.socket) -> bytes:
    try:
        return plain.recv(100)
    except ConnectionResetError:
        return b""


def test_a_retired_station_is_cut_off_by_a_reload_and_does_not_come_back(
    join: Join, gate: str, guarded: Guarded, mosquitto: MosquittoBroker, caplog: pytest.LogCaptureFixture
) -> None:
    retired, stays = join(gate), join(users.station_user(COMMUNITY, WEST))
    password = guarded.folder / "credentials" / f"{gate}.password"
    kept = password.read_text()
    assert guarded.write(stations={COMMUNITY: {WEST}}) == {}
    assert not password.exists()
    password.write_text(kept)
    password.chmod(0o600)
    mosquitto.reload()
    until(lambda: not retired.connected, "the retired station is cut off")
    refusal(caplog, f"refuses {gate} 0: Not authorized")
    assert stays.connected
    assert stays.connections == 1


def test_a_new_password_ends_the_old_one(
    join: Join,
    gate: str,
    guarded: Guarded,
    mosquitto: MosquittoBroker,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    old = Path(shutil.copy(guarded.folder / "credentials" / f"{gate}.password", tmp_path / "old"))
    assert list(guarded.write(renewed={(COMMUNITY, EAST)})) == [gate]
    mosquitto.reload()
    join(gate)
    join(gate, settings=guarded.settings(gate, password=old), name="with the old one", wait=False)
    refusal(caplog, "refuses with the old one: Not authorized")


def test_no_station_takes_anothers_session_away(join: Join, gate: str) -> None:
    session = f"tz-{COMMUNITY}-{EAST}"
    first = join(gate, east("receipts"), name=session)
    thief = join(users.station_user(COMMUNITY, WEST), name=session)
    say(join(COMMUNITY), east("receipts"), b"still mine")
    assert heard(first) == (east("receipts"), b"still mine")
    assert (first.connections, thief.connections) == (1, 1)


def test_what_waits_for_the_ledger_outlives_the_broker(
    join: Join, gate: str, mosquitto: MosquittoBroker
) -> None:
    worker = join(COMMUNITY, topics.events(COMMUNITY, "+"), name="worker")
    worker.stop()
    station = join(gate)
    say(station, east("events"), b"while nobody listened")
    station.stop()
    mosquitto.stop()
    mosquitto.start()
    assert heard(join(COMMUNITY, topics.events(COMMUNITY, "+"), name="worker"))[1] == b"while nobody listened"


def test_secrets_are_readable_by_their_owner_alone(guarded: Guarded) -> None:
    public = {"mosquitto.conf", "ca.pem", "server.pem"}
    assert {name for name, mode in guarded.modes().items() if mode != 0o600} == public
    assert stat.S_IMODE((guarded.folder / "credentials").stat().st_mode) == 0o700
    everything = "".join(file.read_text() for file in guarded.folder.iterdir() if file.is_file())
    for file in (guarded.folder / "credentials").iterdir():
        assert file.read_text().strip() not in everything


def test_small_packets_are_told_to_go_out_at_once(guarded: Guarded) -> None:
    settings = [line.split() for line in (guarded.folder / "mosquitto.conf").read_text().splitlines()]
    assert [
        "set_tcp_nodelay",
        "true",
    ] in settings  # mosquitto, started elsewhere here, refuses a line it does not know


def test_written_again_everything_stays_as_it_was_given(guarded: Guarded) -> None:
    before = {file: file.read_bytes() for file in guarded.folder.rglob("*") if file.is_file()}
    assert guarded.write() == {}
    assert {file: file.read_bytes() for file in guarded.folder.rglob("*") if file.is_file()} == before


def test_a_further_ledger_shares_the_broker_and_leaves_the_others_users(guarded: Guarded) -> None:
    before = (guarded.folder / "stations.passwords").read_text()
    rights = (guarded.folder / "ledgers.rights").read_text()
    fresh = guarded.write(ledger="blue-town", stations={"blue-garden": {"north"}})
    assert sorted(fresh) == ["blue-garden.north", "blue-town"]
    assert rights in (guarded.folder / "ledgers.rights").read_text()
    after = (guarded.folder / "stations.passwords").read_text()
    assert set(before.splitlines()) < set(after.splitlines())
    assert "topic write tz/1/blue-garden/north/events" in (guarded.folder / "stations.rights").read_text()


def test_a_ledger_of_two_communities_hears_both_by_one_subscription_and_no_other_ledgers(
    join: Join, guarded: Guarded, mosquitto: MosquittoBroker
) -> None:
    guarded.write(ledger="town", stations={COMMUNITY: {EAST}, "lotus": {EAST}})
    guarded.write(ledger="other", stations={"elsewhere": {EAST}})
    mosquitto.reload()
    assert "ledgers.passwords" in guarded.modes()
    town = join("town", topics.events("+", "+"))
    for community in ("elsewhere", COMMUNITY, "lotus"):
        station = join(users.station_user(community, EAST), topics.receipts(community, EAST))
        say(station, topics.events(community, EAST), community.encode())
        if community != "elsewhere":
            assert heard(town) == (topics.events(community, EAST), community.encode())
            say(town, topics.receipts(community, EAST), b"receipt")
            assert heard(station) == (topics.receipts(community, EAST), b"receipt")


def test_a_ledger_that_was_called_as_its_community_gives_that_name_up(guarded: Guarded) -> None:
    fresh = guarded.write(ledger="town")
    assert sorted(fresh) == ["town"]
    assert (guarded.folder / "ledgers.passwords").read_text().startswith("town:")
    assert "sunny-garden:" not in (guarded.folder / "ledgers.passwords").read_text()


@pytest.mark.parametrize(
    ("later", "names", "is_renewed"),
    [
        (SERVER_AGE - RENEWED_BEFORE - timedelta(days=1), {"127.0.0.1", "broker.example.org"}, False),
        (SERVER_AGE - RENEWED_BEFORE + timedelta(days=1), {"127.0.0.1", "broker.example.org"}, True),
        (timedelta(), {"127.0.0.1"}, True),
    ],
)
def test_the_certificate_is_renewed_in_time_under_the_same_authority(
    guarded: Guarded, later: timedelta, names: set[str], *, is_renewed: bool
) -> None:
    authority = (guarded.folder / "ca.pem").read_bytes()
    before = (guarded.folder / "server.pem").read_bytes()
    guarded.now += later
    guarded.write(names=names)
    assert ((guarded.folder / "server.pem").read_bytes() != before) is is_renewed
    assert (guarded.folder / "ca.pem").read_bytes() == authority


def test_a_certificate_that_only_begins_later_is_made_anew(guarded: Guarded) -> None:
    authority = Identity((guarded.folder / "ca.pem").read_bytes(), (guarded.folder / "ca.key").read_bytes())
    names = guarded.wanted.names
    ahead = make_server(authority, names, guarded.now + timedelta(days=3 * 365))
    (guarded.folder / "server.pem").write_bytes(ahead.certificate)
    assert not serves(ahead.certificate, authority.certificate, names, guarded.now)
    guarded.write()
    renewed = (guarded.folder / "server.pem").read_bytes()
    assert serves(renewed, authority.certificate, names, guarded.now)


@pytest.mark.parametrize(
    ("years", "told"), [(-3, "is valid only from"), (AUTHORITY_AGE.days // 365 + 1, "was valid only until")]
)
def test_an_authority_out_of_its_time_is_told_and_nothing_is_made_by_it(
    guarded: Guarded, years: int, told: str
) -> None:
    before = (guarded.folder / "server.pem").read_bytes()
    guarded.now += timedelta(days=365 * years)
    with pytest.raises(InputError, match=told) as caught:
        guarded.write()
    assert "set this machine's clock; if it is right, move ca.pem and ca.key away" in caught.value.mend
    assert (guarded.folder / "server.pem").read_bytes() == before


def test_a_renewed_certificate_is_used_after_a_reload(
    join: Join, gate: str, guarded: Guarded, mosquitto: MosquittoBroker
) -> None:
    guarded.write(names={"127.0.0.1"})
    mosquitto.reload()
    # Until the reload is through, the old certificate is shown, which does as well.
    until(
        lambda: shown(guarded) == (guarded.folder / "server.pem").read_text(), "the new certificate is shown"
    )
    assert join(gate).connected


def shown(guarded: Guarded) -> str:
    """The certificate that the broker shows, PEM."""
    return ssl.get_server_certificate(("127.0.0.1", guarded.wanted.listeners.station_port), timeout=WITHIN_S)


@pytest.mark.skipif(shutil.which("mosquitto_passwd") is None, reason=MISSING)
def test_passwords_are_hashed_as_mosquittos_own_tool_does(tmp_path: Path) -> None:
    file = tmp_path / "passwords"
    subprocess.run(["mosquitto_passwd", "-c", "-b", file, "gate", "open sesame"], check=True)  # noqa: S607 (from PATH)
    theirs = users.parse_passwords(file.read_text())["gate"]
    assert users.hashed("open sesame", base64.b64decode(theirs.split("$")[3])) == theirs


def test_a_system_without_that_user_is_told(guarded: Guarded) -> None:
    if getpass.getuser() != "root":
        pytest.skip("only root hands files over")
    with pytest.raises(InputError, match="this machine has no user nobody-of-that-name"):
        guarded.write(listeners=replace(guarded.wanted.listeners, owner="nobody-of-that-name"))
