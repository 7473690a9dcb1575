"""`tongzhan station init`: the station's keys."""

from __future__ import annotations

from pathlib import Path

import click
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from config.errors import InputError
from config.reading import typed
from config.reading.private import is_shared
from edge.station_file import load_station
from edge.sync.keys import make_keys, read_key
from scripts.commands.station.options import config_option


@click.command()
@config_option
@click.option(
    "--card-key",
    required=True,
    type=click.Path(path_type=Path, dir_okay=False),
    help="The community's card key.",
)
@click.option("--ledger-key", required=True, help="The ledger's public key, 64 hex digits.")
def init(config: Path, card_key: Path, ledger_key: str) -> None:
    """Make the station's keys; prints the public key to register at the ledger."""
    settings = load_station(config)
    try:
        public = Ed25519PublicKey.from_public_bytes(bytes.fromhex(typed.hexadecimal(ledger_key)))
    except ValueError:
        raise InputError(
            f"--ledger-key {ledger_key[:16]!r} is not a public key",
            "copy what `tongzhan ledger init` printed",
        ) from None
    keys = make_keys(Path(settings.station.state_dir), read_key(card_key, brought=True), public)
    if is_shared(card_key):
        click.echo(f"others can read {card_key}: remove it, the station has its own copy now", err=True)
    click.echo(keys.signing.public_key().public_bytes_raw().hex())
