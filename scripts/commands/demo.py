"""`tongzhan demo`: the main job on real pictures, on one machine, with one command."""

from __future__ import annotations

import logging
import os
import sys
from pathlib import Path

import click
import msgspec

from config.errors import InputError
from scripts.demonstration.report import Report

PORT = 8765
HEADLESS_VISITS = 40


@click.command()
@click.option("--visits", type=click.IntRange(1, 100_000), help="End after so many visits (headless: 40).")
@click.option(
    "--photos",
    type=click.Path(path_type=Path),
    help="Photos of waste: folders named by category, or an index.csv with path,category.",
)
@click.option(
    "--port",
    type=click.IntRange(1024, 65533),
    default=PORT,
    show_default=True,
    help="Port of the station's screen; the next two are the ledger's and the broker's.",
)
@click.option("--headless", is_flag=True, help="No pages, as fast as the machine allows.")
@click.option(
    "--controller",
    type=click.Choice(["auto", "firmware", "simulated"]),
    default="auto",
    show_default=True,
    help="Lids and readers: the microcontroller's firmware, built for this machine, over a pty and in real "
    "time; or simulated ones. auto: the firmware where there is a C compiler, unless --headless.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the counts as JSON, and the visits to stderr.")
@click.option("--seed", type=int, default=None, help="Play these people and things again.")
@click.option(
    "--state",
    type=click.Path(path_type=Path, file_okay=False),
    help="Folder that the demo keeps its town in (default: ~/.local/state/tongzhan/demo).",
)
def demo(  # noqa: PLR0913 (the command's options)
    *,
    visits: int | None,
    photos: Path | None,
    port: int,
    headless: bool,
    controller: str,
    as_json: bool,
    seed: int | None,
    state: Path | None,
) -> int:
    """Run broker, ledger and a simulated station over real photos.

    Ends with status 1 unless every event arrived once and settled + held + lowered = provisional.
    """
    from scripts.demonstration.controller import Way
    from scripts.demonstration.folder import Folder, any_free_ports, default_root, ports_from
    from scripts.demonstration.play import Wishes, play

    folder = Folder((state or default_root()).absolute())
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(message)s", stream=sys.stderr)
    wishes = Wishes(
        folder=folder,
        ports=any_free_ports() if headless else ports_from(port),
        photos=_photos(photos),
        visits=visits or (HEADLESS_VISITS if headless else None),
        seed=seed if seed is not None else int.from_bytes(os.urandom(4)),
        headless=headless,
        controller=Way(controller),
    )
    report = play(wishes, lambda line: click.echo(line, err=as_json))
    if as_json:
        click.echo(msgspec.json.encode(report))
    else:
        click.echo(_summary(report))
    if report.problem:
        click.echo(f"error: {report.problem}", err=True)
    return 1 if report.problem else 0


def _photos(photos: Path | None) -> Path:
    if photos is not None:
        return photos
    if stamps := os.environ.get("TONGZHAN_STAMPS"):
        return Path(stamps)
    raise InputError(
        "the demo needs photos to throw",
        "start it as scripts/demo, which fetches some, or name a folder with --photos",
    )


def _summary(report: Report) -> str:
    given = f"{report.settled_points} settled, {report.held} kept, {report.lowered} lowered"
    return (
        f"{report.visits} visits, {report.deposits} deposits: {report.right} right, {report.unsure} unsure\n"
        f"{report.provisional_points} points spoken: {given}\n"
        f"{report.lost} events lost, {report.twice} twice\n"
        f"tap to lid: {report.tap_to_lid_ms.p50} ms at the median, {report.tap_to_lid_ms.p99} ms at p99"
    )
