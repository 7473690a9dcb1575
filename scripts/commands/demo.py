"""`tongzhan demo`: the whole system on one machine, with one command."""

from __future__ import annotations

import logging
import os
import sys
from pathlib import Path

import click
import msgspec

from scripts.demonstration.report import DemoReport

PORT = 8765
HEADLESS_VISITS = 40


@click.command()
@click.option("--visits", type=click.IntRange(1, 100_000), help="Stop after so many visits (headless: 40).")
@click.option(
    "--photos",
    type=click.Path(path_type=Path),
    help="Photos of waste: folders named by category, or an index.csv with path,category (default: drawn "
    "things).",
)
@click.option(
    "--port",
    type=click.IntRange(1024, 65531),
    default=PORT,
    show_default=True,
    help="Port of the demo's page; the next four are those of the ledger, broker, panel and network.",
)
@click.option("--headless", is_flag=True, help="Without pages, as fast as the machine allows.")
@click.option(
    "--controller",
    type=click.Choice(["auto", "firmware", "simulated"]),
    default="auto",
    show_default=True,
    help="Lids and readers: the microcontroller's firmware, built for this machine, over a pty in real time; "
    "or simulated ones. auto: the firmware if there is a C compiler and no --headless.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the counts as JSON, and the visits to stderr.")
@click.option("--seed", type=int, default=None, help="Repeat the people and things of this seed.")
@click.option(
    "--state",
    type=click.Path(path_type=Path, file_okay=False),
    help="Folder of the demo's data (default: ~/.local/state/tongzhan/demo).",
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
    """Run a broker, a ledger and a simulated station, with the real model, on one page.

    Exit status 1 unless every event arrived exactly once and every point that the station announced is in a
    household's account (settled), kept (held), or not given because of a limit (lowered).
    """
    from scripts.demonstration.controller import ControllerChoice
    from scripts.demonstration.folder import Folder, any_free_ports, default_root, ports_from
    from scripts.demonstration.play import DemoOptions, play

    folder = Folder((state or default_root()).absolute())
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(message)s", stream=sys.stderr)
    options = DemoOptions(
        folder=folder,
        ports=any_free_ports() if headless else ports_from(port),
        photos=photos,
        visits=visits or (HEADLESS_VISITS if headless else None),
        seed=seed if seed is not None else int.from_bytes(os.urandom(4)),
        headless=headless,
        controller=ControllerChoice(controller),
    )
    report = play(options, lambda line: click.echo(line, err=as_json))
    if as_json:
        click.echo(msgspec.json.encode(report))
    else:
        click.echo(summary(report))
    if report.problem:
        click.echo(f"error: {report.problem}", err=True)
    return 1 if report.problem else 0


def _day(report: DemoReport) -> str:
    from config.reading.load_sorting import load_sorting

    faces = load_sorting().category
    return ", ".join(f"{faces[one].en} {of.things} ({of.wrong} wrong)" for one, of in report.day.items())


def summary(report: DemoReport) -> str:
    """What a person reads at the end."""
    counts = f"{report.right} right, {report.unsure} unsure"
    return (
        f"{report.visits} visits, {report.deposits} things thrown in: {counts}\n"
        f"{report.provisional_points} points spoken by the station (provisional): {report.settled_points} in "
        f"households' accounts (settled), {report.held} on hold for cards that nobody has registered (held), "
        f"{report.lowered} not given, by a limit (lowered)\n"
        f"today: {_day(report)}\n"
        f"{report.lost} events lost, {report.twice} there twice\n"
        f"tap to lid: {report.tap_to_lid_ms.p50} ms at the median, {report.tap_to_lid_ms.p99} ms at p99"
    )
