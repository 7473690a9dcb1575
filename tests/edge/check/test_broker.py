"""Why a station cannot reach its broker, each cause with its own fix; and certificates that expire soon."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest

from cloud_sync.ledger.broker.certificates import SERVER_AGE, Identity, make_authority, make_server
from config.station import Language, StationSettings
from edge.check.broker import check_broker, refusal_at_entry
from edge.check.finding import Level, Line, line, load_texts
from edge.station_file import load_station
from scripts.testbed.ports import free_port
from tests.station.test_composition import BIN, STATION

REAL_NOW = datetime.now(UTC)


class Shop:
    """A CA, a certificate that it issued, and a server that presents it and then stays silent."""

    def __init__(self, folder: Path, stack: ExitStack) -> None:
        self.folder, self._stack = folder, stack
        self.authority = make_authority("A", REAL_NOW)
        self.ca = folder / "ca.pem"
        self.ca.write_bytes(self.authority.certificate)

    def open(self, shown: Identity | None) -> int:
        """Listen; return the port."""
        listener = self._stack.enter_context(socket.create_server(("127.0.0.1", 0)))
        threading.Thread(target=self._serve, args=(listener, shown), daemon=True).start()
        port: int = listener.getsockname()[1]
        return port

    def _serve(self, listener: socket.socket, shown: Identity | None) -> None:
        context = None if shown is None else self._context(shown)
        with suppress(OSError):
            while True:
                plain, _ = listener.accept()
                with suppress(OSError), plain:
                    if context is None:
                        plain.recv(9)
                        plain.sendall(b"SSH-2.0-no\r\n")
                    else:
                        with context.wrap_socket(plain, server_side=True) as guarded:
                            guarded.recv(1)

    def _context(self, shown: Identity) -> ssl.SSLContext:
        file = self.folder / "shown.pem"
        file.write_bytes(shown.certificate + shown.key)
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(file)
        return context

    def server(self, made: datetime = REAL_NOW, name: str = "127.0.0.1") -> Identity:
        return make_server(self.authority, {name}, made)


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    with ExitStack() as stack:
        yield Shop(tmp_path, stack)


@pytest.fixture
def settings(tmp_path: Path) -> StationSettings:
    path = tmp_path / "station.toml"
    path.write_text(STATION.format(model="") + BIN.format("kitchen"), encoding="utf-8")
    return load_station(path)


def let_in(settings: StationSettings, wait_s: float) -> str:
    """Be a broker behind TLS that accepts everyone."""
    del settings, wait_s
    return ""


def told(
    settings: StationSettings,
    port: int,
    ca: Path | None,
    host: str = "127.0.0.1",
    refusal_of: Callable[[StationSettings, float], str] = refusal_at_entry,
) -> tuple[Level, Line]:
    cloud = msgspec.structs.replace(settings.cloud, host=host, port=port, tls_ca=str(ca) if ca else None)
    finding = check_broker(msgspec.structs.replace(settings, cloud=cloud), 5.0, refusal_of=refusal_of)
    for language in Language:
        line(finding, load_texts(), language)  # every place has its value in both
    return finding.level, line(finding, load_texts(), Language.ENGLISH)


def test_a_certificate_with_a_long_time_left_is_ok(shop: Shop, settings: StationSettings) -> None:
    level, said = told(settings, shop.open(shop.server()), shop.ca, refusal_of=let_in)
    assert (level, said.mend) == (Level.OK, "")


def test_a_certificate_that_expires_within_a_month_is_a_warning(
    shop: Shop, settings: StationSettings
) -> None:
    made = REAL_NOW - SERVER_AGE + timedelta(days=20, hours=1)
    level, said = told(settings, shop.open(shop.server(made)), shop.ca, refusal_of=let_in)
    assert level is Level.DOUBTFUL
    assert "(server.pem) expires in" in said.seen
    assert "run tongzhan ledger broker and reload mosquitto" in said.mend


@pytest.mark.parametrize(
    ("made", "name", "seen", "mend"),
    [
        (
            REAL_NOW - SERVER_AGE - timedelta(days=1),
            "127.0.0.1",
            "expired",
            "tongzhan ledger broker and reload",
        ),
        (REAL_NOW + timedelta(days=900), "127.0.0.1", "not yet valid", "If this clock is wrong"),
        (
            REAL_NOW,
            "broker.example.org",
            "IP address mismatch",
            "Set cloud.host to a name in the certificate",
        ),
    ],
)
def test_each_fault_of_a_certificate_has_its_own_fix(
    shop: Shop, settings: StationSettings, made: datetime, name: str, seen: str, mend: str
) -> None:
    level, said = told(settings, shop.open(shop.server(made, name)), shop.ca)
    assert level is Level.DOUBTFUL
    assert seen in said.seen
    assert mend in said.mend


def test_a_certificate_of_another_ca_points_to_the_ca_file(shop: Shop, settings: StationSettings) -> None:
    port = shop.open(make_server(make_authority("B", REAL_NOW), {"127.0.0.1"}, REAL_NOW))
    _, said = told(settings, port, shop.ca)
    assert said.mend == "Put the community's CA (ca.pem) where cloud.tls_ca says."


@pytest.mark.parametrize("content", [b"", b"-----BEGIN CERTIFICATE-----\nMIIB"])
def test_an_empty_or_cut_ca_file_is_named(shop: Shop, settings: StationSettings, content: bytes) -> None:
    shop.ca.write_bytes(content)
    _, said = told(settings, shop.open(shop.server()), shop.ca)
    assert said.seen.startswith(f"The CA file {shop.ca} cannot be used (")
    assert said.mend == "Copy the ledger's ca.pem there again."


def test_a_port_without_tls_a_closed_port_and_an_unknown_name_are_told_apart(
    shop: Shop, settings: StationSettings
) -> None:
    mends = [
        told(settings, shop.open(None), shop.ca)[1].mend,
        told(settings, free_port(), shop.ca)[1].mend,
        told(settings, 8883, shop.ca, "broker.invalid")[1].mend,
    ]
    assert [mend.split(".")[0] for mend in mends] == [
        "This port does not use TLS",
        "Start mosquitto there, or correct cloud",
        "Correct the name in cloud",
    ]


def test_a_server_that_accepts_and_stays_silent_is_not_called_a_wrong_password(
    shop: Shop, settings: StationSettings
) -> None:
    cloud = msgspec.structs.replace(settings.cloud, port=shop.open(shop.server()), tls_ca=str(shop.ca))
    finding = check_broker(msgspec.structs.replace(settings, cloud=cloud), wait_s=0.5)
    assert finding.says == "broker_silent"
