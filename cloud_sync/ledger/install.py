"""Making a ledger from its ledger.toml; needs no Django before it is called."""

from __future__ import annotations

from pathlib import Path

from cloud_sync import ledger
from cloud_sync.ledger.keys import make_keys, public_key_hex, read_signing_key
from config.ledger import load_ledger


def init(config: Path) -> str:
    """Make whatever is missing and bring the database up to date; twice is as good as once.

    Sets Django up in this process. Returns the hex of the public key that stations check receipts by.
    InputError names what stands in the way.
    """
    settings = load_ledger(config)
    make_keys(settings.state_dir)
    ledger.setup(config)
    # Models can be imported only once Django is set up.
    from cloud_sync.ledger.db.database import prepare  # noqa: PLC0415

    prepare(settings)
    return public_key_hex(read_signing_key(settings.state_dir))
