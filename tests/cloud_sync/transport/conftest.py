from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from tests.brokers import MISSING, IotcoreBroker, MosquittoBroker, RunningBroker


@pytest.fixture(params=["iotcore", "mosquitto"])
def broker(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[RunningBroker]:
    if request.param == "mosquitto" and shutil.which("mosquitto") is None:
        pytest.skip(MISSING)
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
    restart: Callable[[], None]
    """Have it go away and come back."""
    log: Callable[[], str]
    """Give what it said so far."""


@pytest.fixture
def guarded(tmp_path: Path) -> Iterator[GuardedBroker]:
    if shutil.which("mosquitto") is None or shutil.which("mosquitto_passwd") is None:
        pytest.skip(MISSING)
    _make_certificate(tmp_path / "ca.pem", tmp_path / "key.pem")
    (tmp_path / "right").write_text("open sesame\n")
    (tmp_path / "wrong").write_text("open barley\n")
    for name in ("right", "wrong"):
        (tmp_path / name).chmod(0o600)
    passwords = tmp_path / "passwords"
    subprocess.run(["mosquitto_passwd", "-c", "-b", passwords, "gate", "open sesame"], check=True)  # noqa: S607
    extra = f"certfile {tmp_path}/ca.pem\nkeyfile {tmp_path}/key.pem\npassword_file {passwords}"
    broker = MosquittoBroker(tmp_path, extra, anonymous=False)
    broker.start()

    def restart() -> None:
        broker.stop()
        broker.start()

    ca, right, wrong = (tmp_path / name for name in ("ca.pem", "right", "wrong"))
    yield GuardedBroker(broker.port, ca, right, wrong, restart, lambda: broker.log)
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
