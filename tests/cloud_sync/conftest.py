from __future__ import annotations

import shutil
import socket
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Address
from pathlib import Path
from typing import Protocol

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID
from iotcore import Broker

from tests.ports import free_port
from tests.waiting import until


class RunningBroker(Protocol):
    """A real broker on 127.0.0.1 that a test can take away and bring back on the same port."""

    port: int
    keeps_sessions: bool

    def start(self) -> None: ...

    def stop(self) -> None: ...


class IotcoreBroker:
    keeps_sessions = False

    def __init__(self) -> None:
        self.port = free_port()
        self._broker = Broker(port=self.port, listen="127.0.0.1")

    def start(self) -> None:
        self._broker.start()

    def stop(self) -> None:
        self._broker.stop()


class MosquittoBroker:
    keeps_sessions = True

    def __init__(self, folder: Path, extra: str = "", *, anonymous: bool = True) -> None:
        self.port = free_port()
        self._config = folder / "mosquitto.conf"
        self._config.write_text(
            f"user root\nlistener {self.port} 127.0.0.1\nallow_anonymous {str(anonymous).lower()}\n"
            f"persistence true\npersistence_location {folder}/\n{extra}\n"
        )
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        command = [shutil.which("mosquitto") or "mosquitto", "-c", str(self._config)]
        self._process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
        until(lambda: _listens(self.port))

    def stop(self) -> None:
        if self._process is not None:
            self._process.terminate()
            self._process.wait(10)
            self._process = None


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@pytest.fixture(params=["iotcore", "mosquitto"])
def broker(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[RunningBroker]:
    if request.param == "mosquitto" and shutil.which("mosquitto") is None:
        pytest.skip("no mosquitto on this machine")
    running: RunningBroker = IotcoreBroker() if request.param == "iotcore" else MosquittoBroker(tmp_path)
    running.start()
    yield running
    running.stop()


@dataclass(frozen=True)
class GuardedBroker:
    """A mosquitto that speaks TLS only, and only with user `gate`."""

    port: int
    ca: Path
    password: Path
    wrong_password: Path


@pytest.fixture
def guarded(tmp_path: Path) -> Iterator[GuardedBroker]:
    if shutil.which("mosquitto") is None or shutil.which("mosquitto_passwd") is None:
        pytest.skip("no mosquitto on this machine")
    _make_certificate(tmp_path / "ca.pem", tmp_path / "key.pem")
    (tmp_path / "right").write_text("open sesame\n")
    (tmp_path / "wrong").write_text("open barley\n")
    passwords = tmp_path / "passwords"
    subprocess.run(["mosquitto_passwd", "-c", "-b", passwords, "gate", "open sesame"], check=True)  # noqa: S607
    extra = f"certfile {tmp_path}/ca.pem\nkeyfile {tmp_path}/key.pem\npassword_file {passwords}"
    broker = MosquittoBroker(tmp_path, extra, anonymous=False)
    broker.start()
    yield GuardedBroker(broker.port, tmp_path / "ca.pem", tmp_path / "right", tmp_path / "wrong")
    broker.stop()


def _make_certificate(certificate: Path, key: Path) -> None:
    """A self-signed certificate for 127.0.0.1, which is its own authority."""
    private = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    signed = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(private.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(IPv4Address("127.0.0.1"))]), critical=False
        )
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(private, hashes.SHA256())
    )
    certificate.write_bytes(signed.public_bytes(Encoding.PEM))
    key.write_bytes(private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))


@pytest.fixture
def make_certificate() -> Callable[[Path, Path], None]:
    return _make_certificate
