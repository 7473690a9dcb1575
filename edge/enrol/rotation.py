"""A station changes its key and its login at the broker; its old key signs the request for it."""

from __future__ import annotations

import time
from pathlib import Path

from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from msgspec import structs

from cloud_sync.wire.enrolment import MAX_ANSWER_BYTES, EnrolmentError, make_request, open_answer
from cloud_sync.wire.enrolment_code import NUMBER_BYTES, SECRET_BYTES, EnrolmentCode, ledger_name
from config.errors import InputError
from config.reading.files import mend_of
from config.station import StationSettings
from edge.enrol import pending
from edge.enrol.keeping import complete
from edge.ledger_api.client import LedgerAwayError, LedgerClient, LedgerRefusesError
from edge.sync.keys import StationIdentity, load_keys

PATH = "/station/keys"
AGAIN = "run the same command again"


def rotate(settings: StationSettings) -> None:
    """Change to a new key and a new login at the broker; old ones end once the ledger hears the new key.

    Killed at any instant, the same call ends well. InputError says what stands in the way; nothing is changed
    then.
    """
    state_dir = Path(settings.station.state_dir)
    if settings.cloud.ledger_url is None:
        raise InputError("no cloud.ledger_url: the station cannot ask its ledger", "enrol it by a code")
    sender = StationIdentity(settings.station.community, settings.station.name, load_keys(state_dir))
    try:
        if not complete(state_dir):  # it was: the last command was killed at its end
            _change(state_dir, settings, sender)
    except OSError as error:
        what = f"no keys can be kept in {state_dir} ({error.strerror or error})"
        raise InputError(what, mend_of(error, state_dir)) from None


def _change(state_dir: Path, settings: StationSettings, sender: StationIdentity) -> None:
    code = _code_of(sender)
    under_way = pending.begin(state_dir, code)
    request = make_request(code, under_way.signing, under_way.sealing, sender.community, sender.station)
    client = LedgerClient(settings.cloud, sender, time.monotonic)
    try:
        answer = client.ask(
            "POST", PATH, request, kind="application/octet-stream", most_bytes=MAX_ANSWER_BYTES
        )
        given = open_answer(answer.body, code, request, under_way.sealing)
    except LedgerAwayError as error:
        raise InputError(
            f"the ledger cannot be reached ({error})", f"see the network, then {AGAIN}"
        ) from None
    except LedgerRefusesError as error:
        raise InputError(error.error, error.mend) from None
    except EnrolmentError as error:
        raise InputError(f"the ledger's answer cannot be believed ({error})", AGAIN) from None
    finally:
        client.close()
    pending.keep(state_dir, structs.replace(under_way, given=given))
    complete(state_dir)


def _code_of(sender: StationIdentity) -> EnrolmentCode:
    """Return what stands for a code in this exchange: the key of the ledger that the station believes."""
    ledger = ledger_name(sender.keys.ledger.public_bytes(Encoding.Raw, PublicFormat.Raw))
    return EnrolmentCode("ledger", 443, True, bytes(NUMBER_BYTES), ledger, bytes(SECRET_BYTES))  # noqa: FBT003 (tls)
