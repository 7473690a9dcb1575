"""Sets up and checks an officer's second factor: time-based codes (RFC 6238), and recovery codes.

A code is taken once, and up to one step of 30 s early or late. Recovery codes are stored as keyed hashes; the
key of the phone's codes must be stored as it is, and is as secret as the database. `now` is passed in.
"""

from __future__ import annotations

import base64
import secrets
import unicodedata
from datetime import datetime

from django.contrib.auth.models import User
from django.contrib.sessions.backends.base import SessionBase
from django.utils.crypto import salted_hmac
from django_otp.oath import TOTP
from django_otp.plugins.otp_static.models import StaticDevice, StaticToken
from django_otp.plugins.otp_totp.models import TOTPDevice

from cloud_sync.ledger.audit.write import note, write
from cloud_sync.ledger.officers.register import ALPHABET
from cloud_sync.ledger.officers.rights import Deed, OfficerRole, Rights
from cloud_sync.ledger.points.decisions import said
from cloud_sync.ledger.points.posting import atomically
from config.errors import InputError

FACTOR = "second_factor"
"""In a session: the primary key of the device whose code was given."""
NAME = "phone"
KEY_BYTES = 20
"""As RFC 4226 wants for SHA-1."""
DIGITS, STEPS = 6, 1
"""Of a code; how many steps it may be early or late."""
RECOVERY_CODES, LETTERS = 8, 10
"""50 bits each."""
STORED = 16
"""Characters of a recovery code's hash, in base 32: 80 bits."""


def device_of(user: User) -> TOTPDevice | None:
    """Return the officer's phone; None before it is set up."""
    found: TOTPDevice | None = TOTPDevice.objects.filter(user=user, confirmed=True).first()
    return found


def is_needed(rights: Rights) -> bool:
    """Return whether an officer with these rights must have a second factor: every admin."""
    return any(role is OfficerRole.ADMIN for role, _ in rights.grants)


def is_given(session: SessionBase, user: User, rights: Rights) -> bool:
    """Return whether a session has what the officer's second factor asks for."""
    device = device_of(user)
    if device is None:
        return not is_needed(rights)
    return bool(session.get(FACTOR) == device.pk)


def new_key() -> str:
    """Return a new key in hex."""
    return secrets.token_hex(KEY_BYTES)


def key_address(user: User, key: str) -> str:
    """Return the `otpauth:` address that a phone reads from a QR code."""
    return str(TOTPDevice(user=user, key=key).config_url)


def key_in_letters(key: str) -> str:
    """Return a key as a person types it into a phone: base 32 in groups of four."""
    letters = base64.b32encode(bytes.fromhex(key)).decode()
    return " ".join(letters[start : start + 4] for start in range(0, len(letters), 4))


@atomically
def set_up(user: User, key: str, typed: str, now: datetime) -> list[str] | None:
    """Store a phone's key if its code is right; return new recovery codes, None for a wrong code.

    InputError if the officer has a phone already.
    """
    User.objects.select_for_update().get(pk=user.pk)
    if device_of(user) is not None:
        raise InputError(f"officer {user} has a second factor", "reset it first")
    device = TOTPDevice(user=user, name=NAME, key=key, confirmed=True)
    if (step := _step_of(device, typed, now)) is None:
        return None
    write(device, Deed.KEEP_SIGN_IN, now=now, last_t=step)
    codes = ["".join(secrets.choice(ALPHABET) for _ in range(LETTERS)) for _ in range(RECOVERY_CODES)]
    holder = StaticDevice(user=user, name=NAME, confirmed=True)
    write(holder, Deed.KEEP_SIGN_IN, now=now)
    StaticToken.objects.bulk_create(StaticToken(device=holder, token=_hash(user, code)) for code in codes)
    return [f"{code[: LETTERS // 2]}-{code[LETTERS // 2 :]}" for code in codes]


@atomically
def check(user: User, typed: str, now: datetime) -> TOTPDevice | None:
    """Return the officer's phone if this is its code now, or a recovery code; each is taken once."""
    device = TOTPDevice.objects.select_for_update().filter(user=user, confirmed=True).first()
    if device is None:
        return None
    if (step := _step_of(device, typed, now)) is not None:
        device.last_t = step
        device.save(update_fields=["last_t"])
        return device
    tokens = StaticToken.objects.select_for_update().filter(device__user=user, token=_hash(user, typed))
    used = tokens.first()
    if used is None:
        return None
    used.delete()
    note(Deed.KEEP_SIGN_IN, user, after={"recovery_codes": recovery_codes_left(user)}, now=now)
    return device


@atomically
def reset(user: User, by: str, reason: str, now: datetime) -> None:
    """Remove an officer's second factor; they set up another at their next sign-in.

    InputError without who and why, and for an officer who has none.
    """
    by, reason = said(by, reason)
    if device_of(user) is None:
        raise InputError(f"officer {user} has no second factor", "nothing is to be reset")
    for model in (TOTPDevice, StaticDevice):
        model.objects.filter(user=user).delete()
    gone = {"second_factor": True}, {"second_factor": False}
    note(Deed.KEEP_SIGN_IN, user, before=gone[0], after=gone[1], by=by, reason=reason, now=now)


def recovery_codes_left(user: User) -> int:
    """Return how many recovery codes an officer still has."""
    return int(StaticToken.objects.filter(device__user=user).count())


def _step_of(device: TOTPDevice, typed: str, now: datetime) -> int | None:
    """Return the step of time whose code this is, if that step is newer than the last one used."""
    digits = _plain(typed)
    if len(digits) != DIGITS or not (digits.isascii() and digits.isdecimal()):
        return None
    codes = TOTP(device.bin_key, device.step, device.t0, device.digits, device.drift)
    codes.time = now.timestamp()
    if not codes.verify(int(digits), STEPS, device.last_t + 1):
        return None
    return int(codes.t())


def _hash(user: User, code: str) -> str:
    digest = salted_hmac("recovery code", f"{user.pk}:{_plain(code)}", algorithm="sha256").digest()
    return base64.b32encode(digest).decode()[:STORED].lower()


def _plain(typed: str) -> str:
    """Return a code without spaces, hyphens, capitals and full-width forms."""
    text = unicodedata.normalize("NFKC", typed).lower()
    return "".join(letter for letter in text if letter.isalnum())
