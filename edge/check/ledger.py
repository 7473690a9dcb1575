"""Checks the way to the ledger's pages: whether they answer, and whether they know this station's key."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import msgspec

from cloud_sync.wire.api import MAX_ERROR_BYTES, WHOAMI, Asker
from config.errors import InputError
from config.station import StationSettings
from edge.check.finding import Finding, Level
from edge.ledger_api.client import LedgerAwayError, LedgerClient, LedgerRefusesError
from edge.ports import Clock
from edge.sync.keys import StationIdentity, load_keys

WAIT_S = 6.0


def check_ledger(settings: StationSettings, clock: Clock, wait_s: float = WAIT_S) -> Finding:
    """Ask the ledger whom it takes this station for. A station works offline, so nothing here fails it."""
    if settings.cloud.ledger_url is None:
        return Finding("ledger", Level.OK, "ledger_none")
    values = {"ledger": settings.cloud.ledger_url}
    try:
        asker = _asker(settings, clock.now, wait_s)
    except LedgerAwayError as away:
        return Finding("ledger", Level.DOUBTFUL, "ledger_away", values={**values, "reason": str(away)})
    except LedgerRefusesError as refusal:
        more = {"reason": refusal.error, "mend": refusal.mend}
        return Finding("ledger", Level.DOUBTFUL, "refused", values=more)
    except InputError as problem:
        return Finding(
            "ledger", Level.DOUBTFUL, "refused", values={"reason": problem.what, "mend": problem.mend}
        )
    ours = f"{settings.station.community}/{settings.station.name}"
    theirs = f"{asker.community}/{asker.station}"
    if ours != theirs:
        more = {**values, "ours": ours, "theirs": theirs}
        return Finding("ledger", Level.DOUBTFUL, "ledger_other", values=more)
    return Finding("ledger", Level.OK, "ledger_ok", values=values)


def _asker(settings: StationSettings, now: Callable[[], float], wait_s: float) -> Asker:
    place = settings.station
    sender = StationIdentity(place.community, place.name, load_keys(Path(place.state_dir)))
    client = LedgerClient(settings.cloud, sender, now, whole_s=wait_s)
    try:
        return msgspec.json.decode(client.ask("GET", WHOAMI, most_bytes=MAX_ERROR_BYTES).body, type=Asker)
    except msgspec.DecodeError as error:
        raise LedgerAwayError(f"its answer cannot be read: {error}") from None
    finally:
        client.close()
