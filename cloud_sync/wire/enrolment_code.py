"""The code by which a station enrols: where its ledger is, who the ledger is, and a secret for one use.

    TZ1:POINTS.EXAMPLE.ORG/4G0H-7XKQ-…

After the host, 64 letters of Crockford's base32 in groups of four: O is read as 0, I and L as 1, U is never
used, case and hyphens do not matter. They are 40 bytes: flags (1), the invitation's number (5), the first 20
bytes of SHA-256 over the ledger's public key, the secret (10), and a CRC-32 over all before it, the host too.
A CRC-32 finds every change of a single letter and every swap of two neighbours. Upper case keeps the QR code
small.
"""

from __future__ import annotations

import hashlib
import zlib
from dataclasses import dataclass

from config.errors import InputError
from config.reading import typed
from config.reading.hosts import host_problem

PREFIX = "TZ1:"
LETTERS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
NUMBER_BYTES, LEDGER_BYTES, SECRET_BYTES, CHECK_BYTES = 5, 20, 10, 4
WHOLE_BYTES = 1 + NUMBER_BYTES + LEDGER_BYTES + SECRET_BYTES + CHECK_BYTES
CODE_LETTERS = WHOLE_BYTES * 8 // 5
GROUP = 4
MOST_LETTERS = 400
"""Longest code that is looked at: a host of 253 letters, a port, the letters and their hyphens."""
_WITHOUT_TLS = 0x01
"""Flag: the ledger speaks http; stations accept that of their own machine only."""
_READ_AS = str.maketrans("OIL", "011")
_COPY = "copy the whole code from the ledger's page, or show the QR code to the camera"


@dataclass(frozen=True, slots=True)
class EnrolmentCode:
    """What a code says. `ledger` names the ledger's key; `secret` must not be stored or sent."""

    host: str
    """Host name or address, without brackets."""
    port: int
    tls: bool
    number: bytes
    ledger: bytes
    secret: bytes

    def __repr__(self) -> str:
        """Show no secret: it must not reach a log."""
        return f"EnrolmentCode({self.place}, …)"

    @property
    def place(self) -> str:
        """The ledger's host, with the port where it is not the usual one."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == usual_port(tls=self.tls) else f"{host}:{self.port}"

    @property
    def url(self) -> str:
        """The beginning of the ledger's addresses, without a slash at the end."""
        return f"{'https' if self.tls else 'http'}://{self.place}"

    def text(self) -> str:
        """Return the code as it is shown, typed and drawn."""
        place = self.place.upper()
        flags = bytes([0 if self.tls else _WITHOUT_TLS])
        data = flags + self.number + self.ledger + self.secret
        letters = _letters(data + _check(place, data))
        groups = [letters[at : at + GROUP] for at in range(0, CODE_LETTERS, GROUP)]
        return f"{PREFIX}{place}/{'-'.join(groups)}"


def usual_port(*, tls: bool) -> int:
    """Return the port of https or http."""
    return 443 if tls else 80


def ledger_name(public_key: bytes) -> bytes:
    """Return how a code names a ledger's Ed25519 key: the first 20 bytes of its SHA-256."""
    return hashlib.sha256(public_key).digest()[:LEDGER_BYTES]


def parse_code(text: str) -> EnrolmentCode:
    """Return what a code says, however it was typed; InputError for a mistyped one, or no code at all."""
    if len(text) > MOST_LETTERS:
        raise InputError("this is no enrolment code: it is too long", _COPY)
    code = typed.without_spaces(text).upper()
    place, slash, rest = code.removeprefix(PREFIX).rpartition("/")
    if not code.startswith(PREFIX) or not slash:
        raise InputError("this is no enrolment code: one begins with TZ1: and its ledger's host", _COPY)
    letters = rest.replace("-", "").translate(_READ_AS)
    if len(letters) != CODE_LETTERS:
        what = f"the enrolment code has {len(letters)} letters after its host, a whole one has {CODE_LETTERS}"
        raise InputError(what, _COPY)
    if strange := sorted(set(letters) - set(LETTERS)):
        raise InputError(
            f"no enrolment code has {strange[0]!r} after its host", "compare it letter by letter"
        )
    whole = _bytes(letters)
    data, check = whole[:-CHECK_BYTES], whole[-CHECK_BYTES:]
    if _check(place, data) != check:
        raise InputError(
            "a letter of the enrolment code is wrong, or of the host in it",
            "compare it group by group with the one that the ledger shows",
        )
    return _read(place, data)


def _read(place: str, data: bytes) -> EnrolmentCode:
    flags, number, rest = data[0], data[1 : 1 + NUMBER_BYTES], data[1 + NUMBER_BYTES :]
    if flags & ~_WITHOUT_TLS:
        raise InputError("this enrolment code is of a newer kind", "upgrade this station's program first")
    tls = not flags & _WITHOUT_TLS
    host, port = _host_and_port(place.lower(), usual_port(tls=tls))
    return EnrolmentCode(host, port, tls, number, rest[:LEDGER_BYTES], rest[LEDGER_BYTES:])


def _host_and_port(place: str, usual: int) -> tuple[str, int]:
    host, colon, port = place.rpartition(":")
    if not colon or place.endswith("]"):
        host, port = place, str(usual)
    if host.startswith("[") and host.endswith("]"):
        host = host[1:-1]
    if host_problem(host) or not port.isascii() or not port.isdigit() or not 0 < int(port) < 1 << 16:
        raise InputError(f"the enrolment code names {place!r}, which is no host", "make another code")
    return host, int(port)


def _check(place: str, data: bytes) -> bytes:
    return zlib.crc32(place.encode() + b"/" + data).to_bytes(CHECK_BYTES, "big")


def _letters(whole: bytes) -> str:
    number = int.from_bytes(whole, "big")
    return "".join(LETTERS[number >> 5 * at & 31] for at in reversed(range(CODE_LETTERS)))


def _bytes(letters: str) -> bytes:
    number = 0
    for letter in letters:
        number = number << 5 | LETTERS.index(letter)
    return number.to_bytes(WHOLE_BYTES, "big")
