"""A station's enrolment from its code to its files."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from msgspec import structs

from cloud_sync.wire.enrolment import EnrolmentError, Given, WrongLedgerError, make_request, open_answer
from cloud_sync.wire.enrolment_code import EnrolmentCode
from config.errors import InputError
from config.reading.enrolled import read_enrolled
from config.reading.files import mend_of
from edge.enrol import pending
from edge.enrol.asking import AGAIN, ask
from edge.enrol.keeping import complete


@dataclass(frozen=True, slots=True)
class Enrolled:
    """What a station is called at its ledger, and where its broker is."""

    community: str
    station: str
    host: str
    port: int
    username: str


def enrol(state_dir: Path, code: EnrolmentCode, community: str, station: str) -> Enrolled:
    """Trade keys with the ledger that the code names, keep what it gives, and say what the station is now.

    `community` and `station` are what the station takes itself for, empty if it was never told. Killed at any
    instant, the same call with the same code ends well. InputError for a ledger that cannot be reached,
    refuses, or is false, and for a folder that cannot be written; the station is as it was then.
    """
    try:
        complete(state_dir)
        if not _has_enrolled_by(state_dir, code):
            under_way = pending.begin(state_dir, code)
            given = _asked(code, under_way, community, station)
            pending.keep(state_dir, structs.replace(under_way, given=given))
            complete(state_dir)
        now = read_enrolled(state_dir)
    except OSError as error:
        what = f"no keys can be kept in {state_dir} ({error.strerror or error})"
        raise InputError(what, mend_of(error, state_dir)) from None
    names, cloud = now["station"], now["cloud"]
    return Enrolled(
        names["community"], names["name"], cloud["host"], cloud["port"], cloud.get("username", "")
    )


def _has_enrolled_by(state_dir: Path, code: EnrolmentCode) -> bool:
    """Return whether the station's files are of this very code: the last command was killed at its end."""
    try:
        written = read_enrolled(state_dir).get("enrolment", {})
    except InputError:  # damaged: this enrolment mends it
        return False
    return bool(written.get("code") == pending.name_of(code))


def _asked(code: EnrolmentCode, under_way: pending.Pending, community: str, station: str) -> Given:
    request = make_request(code, under_way.signing, under_way.sealing, community, station)
    try:
        return open_answer(ask(code, request), code, request, under_way.sealing)
    except WrongLedgerError as error:
        raise InputError(
            f"{error}: it is a false server, or its key was changed after the code was made",
            "make another code at the ledger; if that fails too, somebody stands between",
        ) from None
    except EnrolmentError as error:
        what = f"the answer of {code.place} was damaged on its way ({error})"
        raise InputError(what, f"see what stands between this station and the ledger, {AGAIN}") from None
