"""`tongzhan station`: the processes of a station, and its keys."""

from __future__ import annotations

import os
import random
import signal
from collections.abc import Callable
from pathlib import Path

import click

from config.errors import InputError
from config.process.library_lines import library_lines
from config.process.logs import start_log
from config.reading import typed
from config.reading.load_station import load_station
from config.station import Devices, StationSettings
from edge.hardware.pins import Factory
from edge.main import Surroundings
from scripts.commands.station.cards import card
from scripts.commands.station.checks import check
from scripts.commands.station.journal import export, recover

PANEL_PORT = 8765

config_option = click.option(
    "--config",
    required=True,
    type=click.Path(path_type=Path, dir_okay=False),
    help="The station's station.toml.",
)


@click.group()
def station() -> None:
    """Run a station: its loop, its lids, its sync, its panel."""
    start_log("%(asctime)s %(levelname)-7s %(name)s: %(message)s")


@station.command()
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
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    from config.reading.private import is_shared
    from edge.sync.keys import make_keys, read_key

    settings = load_station(config)
    try:
        public = Ed25519PublicKey.from_public_bytes(bytes.fromhex(typed.hexadecimal(ledger_key)))
    except ValueError:
        raise InputError(
            f"--ledger-key {ledger_key[:16]!r} is no public key", "copy what `tongzhan ledger init` printed"
        ) from None
    keys = make_keys(Path(settings.station.state_dir), read_key(card_key, brought=True), public)
    if is_shared(card_key):
        click.echo(f"others can read {card_key}: remove it, the station has its own copy now", err=True)
    click.echo(keys.signing.public_key().public_bytes_raw().hex())


@station.command()
@config_option
@click.option(
    "--photos",
    type=click.Path(path_type=Path, file_okay=False),
    help="Simulated stations only: photos of what residents throw (default: $TONGZHAN_STAMPS).",
)
@click.option("--visits", type=click.IntRange(1), default=1000, show_default=True, help="Simulated visits.")
@click.option("--seed", type=int, default=1, show_default=True, help="Seed of the simulated residents.")
@click.option(
    "--witness",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Simulated stations only: write what residents do, see and hear there, a line of JSON each.",
)
def run(config: Path, photos: Path | None, visits: int, seed: int, witness: Path | None) -> None:
    """Run visits until SIGTERM."""
    from cloud_sync.service.systemd import notifier_of
    from edge.main import compose
    from edge.sync.keys import load_keys

    settings = load_station(config)
    keys = load_keys(Path(settings.station.state_dir))
    if settings.station.devices is Devices.SIMULATED:
        around = _simulated(settings, keys.card, _photos(photos), visits, seed, witness)
    elif witness is not None:
        raise InputError("--witness: nobody is simulated at a real station", "leave it out")
    else:
        around = _real(settings, keys.card)
    composition = compose(settings, around, notifier_of())
    _on_stop(composition.station.stop)
    with library_lines():
        composition.run()


def _photos(photos: Path | None) -> Path:
    if photos is not None:
        return photos
    if stamps := os.environ.get("TONGZHAN_STAMPS"):
        return Path(stamps)
    raise InputError("a simulated station needs photos to throw", "name a folder with --photos")


def _simulated(
    settings: StationSettings, card_key: bytes, photos: Path, visits: int, seed: int, witness: Path | None
) -> Surroundings:
    from edge.sim.people.town import neighbourhood
    from edge.sim.photos.folders import open_photos
    from edge.sim.simulation import Simulation
    from edge.sim.world import Script

    rng = random.Random(seed)  # noqa: S311 (plays residents, guards nothing)
    script = Script(visits=visits, people=neighbourhood(rng, card_key))
    simulation = Simulation(settings, open_photos(photos), script, rng)
    if witness is not None:
        try:
            written = witness.open("ab", buffering=0)
        except OSError as error:
            raise InputError(f"{witness} cannot be written ({error.strerror})", "name another") from None
        simulation.observed(written.write)
    return simulation.surroundings()


def _real(settings: StationSettings, card_key: bytes) -> Surroundings:
    from edge.main import real_surroundings

    return real_surroundings(settings, card_key)


@station.command()
@config_option
@click.option("--release", is_flag=True, help="Only make the motors' pins low, after a keeper was killed.")
def lids(config: Path, release: bool) -> None:  # noqa: FBT001 (click's own way)
    """Keep the lids wired to this Pi until SIGTERM; then shut them."""
    from cloud_sync.service.systemd import notifier_of
    from edge.hardware.pins import real_pins
    from edge.lids.process import keep_lids, release_pins

    settings = load_station(config)

    def make_pins() -> Factory:
        return real_pins(Path(settings.station.runtime_dir))

    if release:
        release_pins(settings, make_pins)
    else:
        keep_lids(settings, make_pins, notifier_of(), _on_stop)


@station.command()
@config_option
def sync(config: Path) -> None:
    """Deliver the journal to the ledger until SIGTERM."""
    from cloud_sync.service.systemd import WatchedStop, notifier_of
    from edge.loop.clocks import RealClock
    from edge.sync.keys import Sender, load_keys
    from edge.sync.outbox import Outbox
    from edge.sync.process import Sync, link_for

    settings = load_station(config)
    state_dir = Path(settings.station.state_dir)
    sender = Sender(settings.station.community, settings.station.name, load_keys(state_dir))
    outbox = Outbox(state_dir)
    link = link_for(settings)
    notifier = notifier_of()
    stopping = WatchedStop(notifier)
    _on_stop(stopping.set)
    link.start()
    notifier.ready()
    try:
        Sync(sender, outbox, link, RealClock(), random.SystemRandom()).run(stopping)
    finally:
        link.stop()
        outbox.close()


station.add_command(card)
station.add_command(check)
station.add_command(export)
station.add_command(recover)


@station.command()
@config_option
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option(
    "--port", type=click.IntRange(1, 65535), default=PANEL_PORT, show_default=True, help="Port to listen on."
)
@click.option(
    "--name",
    "names",
    multiple=True,
    help="A further name that browsers may call it by, beside this machine's own; repeatable.",
)
def panel(config: Path, host: str, port: int, names: tuple[str, ...]) -> None:
    """Show the station's screen until SIGTERM."""
    from edge.panel.serve import serve

    serve(load_station(config), host, port, names)


def _on_stop(stop: Callable[[], None]) -> None:
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda _number, _frame: stop())
