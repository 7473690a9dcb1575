"""Making a ledger from its ledger.toml; needs no Django before it is called."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from cloud_sync import ledger
from cloud_sync.ledger.keys import make_keys, public_key_hex, read_signing_key
from config.ledger import load_ledger


@dataclass(frozen=True, slots=True)
class Ready:
    """A ledger that was made."""

    public_key: str
    """Hex of the key that stations check receipts by."""
    lines: tuple[str, ...]
    """What there is still to do, for a person."""


def init(config: Path) -> Ready:
    """Make whatever is missing and bring the database up to date; twice is as good as once.

    Sets Django up in this process. InputError names what stands in the way.
    """
    settings = load_ledger(config)
    make_keys(settings.state_dir)
    ledger.setup(config)
    # Models can be imported only once Django is set up.
    from cloud_sync.ledger.db.database import prepare  # noqa: PLC0415

    lines = prepare(settings)
    return Ready(public_key_hex(read_signing_key(settings.state_dir)), tuple(lines))
