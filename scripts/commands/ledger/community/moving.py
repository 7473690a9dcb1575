"""`tongzhan ledger community move-out · export · import`: a community moves to a ledger of its own."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from scripts.commands.ledger.common import (
    by_option,
    config_option,
    echo_json,
    json_option,
    open_town,
    reason_option,
)

file_argument = click.Path(path_type=Path, dir_okay=False)


@click.command("move-out")
@config_option
@by_option
@reason_option
@click.option("--to", metavar="HOST", help="Where it goes, for people: the other ledger's address.")
@click.option("--to-key", metavar="HEX", help="The other ledger's public key, which `init` prints there.")
@click.option("--confirm", metavar="CODE", help="What `community import` printed at the other ledger.")
@click.option("--undo", is_flag=True, help="Serve it here again; only before it was confirmed.")
@click.argument("slug")
def move_out(  # noqa: PLR0913 (one parameter an option)
    config: Path,
    slug: str,
    by: str,
    reason: str,
    *,
    to: str | None,
    to_key: str | None,
    confirm: str | None,
    undo: bool,
) -> None:
    """Close a community here, for another ledger to take in.

    From that moment nothing of it changes here, and its stations get no receipt: what they send waits at the
    stations. Write its file with `community export`, and confirm the move once the other ledger has it.
    """
    if (confirm is not None) + undo + (to is not None or to_key is not None) != 1:
        raise click.UsageError("Give --to and --to-key, or --confirm, or --undo.")
    open_town(config)
    from django.utils import timezone

    from cloud_sync.ledger.communities.register import find_community
    from cloud_sync.ledger.moving import departure

    found, now = find_community(slug), timezone.now()
    if undo:
        gone = departure.take_back(found, by, reason, now)
        click.echo(f"community {found} is served here again; destroy the files that were written of it")
        click.echo(_BROKER)
        return
    if confirm is not None:
        gone = departure.note_arrival(found, confirm, now)
        click.echo(f"community {found} is at {gone.to} for good")
        return
    if to is None or to_key is None:
        raise click.UsageError("Give both --to and --to-key.")
    gone = departure.move_out(found, to=to, to_key=to_key, by=by, reason=reason, now=now)
    click.echo(f"community {found} is closed here at transfer {gone.position}, record {gone.records}")
    click.echo(f"now write its file: tongzhan ledger community export {found} FILE --config F")


_BROKER = (
    "let its stations in at the broker: tongzhan ledger broker --config F --out FOLDER --host HOST, "
    "then reload mosquitto"
)


@click.command("export")
@config_option
@click.argument("slug")
@click.argument("file", type=file_argument)
def export(config: Path, slug: str, file: Path) -> None:
    """Write a community that was moved out to a new FILE, all of it, signed by this ledger.

    The file holds what the ledger knows of the community's households; only its owner can read it. The card
    key is not in it: bring that to the other ledger by another way.
    """
    settings = open_town(config)
    from django.utils import timezone

    from cloud_sync.ledger.communities.register import find_community
    from cloud_sync.ledger.keys import card_key_file, public_key_hex, read_card_key, read_signing_key
    from cloud_sync.ledger.moving.export import export as write

    found, key = find_community(slug), read_signing_key(settings.state_dir)
    card_key = read_card_key(settings.state_dir, found.slug)
    totals = write(found, file, key, card_key, timezone.now(), _tell)
    click.echo(
        f"{totals.rows} rows are in {file}; bring it and {card_key_file(settings.state_dir, found.slug)}"
    )
    click.echo(
        f"to the other ledger, each by a way of its own: tongzhan ledger community import FILE --from-key "
        f"{public_key_hex(key)} --card-key KEYFILE --by NAME --reason WHY --config F"
    )


@click.command("import")
@config_option
@by_option
@reason_option
@json_option
@click.option(
    *("--from-key", "from_key"),
    required=True,
    metavar="HEX",
    help="The old ledger's public key, which `init` prints there.",
)
@click.option(
    "--card-key",
    "card_key",
    required=True,
    type=file_argument,
    metavar="KEYFILE",
    help="The community's card key.",
)
@click.argument("file", type=file_argument)
def import_(  # noqa: PLR0913 (one parameter an option)
    config: Path, file: Path, card_key: Path, from_key: str, by: str, reason: str, *, as_json: bool
) -> None:
    """Take a community in from FILE, whole or not at all; both chains and all sums are checked first.

    Print the code that confirms it at the old ledger.
    """
    settings = open_town(config)
    from django.utils import timezone

    from cloud_sync.ledger.keys import keep_card_key, public_key_hex, read_signing_key
    from cloud_sync.ledger.moving import arrival
    from cloud_sync.ledger.moving.proofs import card_key_of, confirm, public_key

    key = read_signing_key(settings.state_dir)
    found = arrival.look_at(file, public_key_hex(key), public_key("--from-key", from_key))
    header = found[0]
    arrival.refuse_known(header)
    keep_card_key(settings.state_dir, header.slug, card_key_of(card_key, header))
    came = arrival.take_in(file, found, by, reason, timezone.now(), _tell)
    code = confirm(key, came.number, header.slug, came.shown)
    if as_json:
        echo_json({"community": header.slug, "rows": found[1].rows, **came.shown, "code": code})
        return
    click.echo(
        f"community {header.slug} is here: {found[1].rows} rows, {came.position} transfers, all checked"
    )
    click.echo(_BROKER)
    click.echo(
        f"at the old ledger: tongzhan ledger community move-out {header.slug} --confirm {code} "
        "--by NAME --reason WHY --config F"
    )


def _tell(line: str) -> None:
    """Say how far it is, on stderr, where a script does not read."""
    click.echo(line, file=sys.stderr)
