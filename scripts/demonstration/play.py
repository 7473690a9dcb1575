"""One run of the demo from first process to last: set up, play, let everything arrive, count."""

from __future__ import annotations

import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from random import Random

import msgspec
from iotcore import Broker

from cloud_sync.ledger.install import init
from cloud_sync.ledger.keys import read_card_key, read_signing_key
from cloud_sync.wire.facts import VisitFacts
from config.errors import InputError
from config.ledger import load_ledger
from config.process.threads import interrupt, thread
from config.reading.load_station import load_station
from config.station import StationSettings
from edge.main import Composition, at_once, compose
from edge.ports import Journal
from edge.screen.state import LINK_FILE
from edge.sim.people.town import Neighbourhood, neighbourhood
from edge.sim.photos.folders import open_photos
from edge.sim.simulation import Board, Simulation
from edge.sim.world import Script
from edge.sync.keys import make_keys
from edge.sync.outbox import Outbox
from scripts.demonstration.console import TellingJournal
from scripts.demonstration.controller import Way, controller
from scripts.demonstration.folder import Folder, Ports
from scripts.demonstration.report import Report, make_report, read_journal
from scripts.demonstration.town import CARD_BITS, write_configuration
from scripts.testbed.ports import LOOPBACK
from scripts.testbed.processes import Crew, crew

ARRIVE_S = 60.0
"""So long may the last events take to get their receipts."""
TOWN_SEED = 2026
"""The same people live in the town in every run."""


@dataclass(frozen=True, slots=True)
class Wishes:
    """What was asked of the demo. `visits` is None for a demo on screen without an end."""

    folder: Folder
    ports: Ports
    photos: Path
    visits: int | None
    seed: int
    headless: bool
    controller: Way = Way.AUTO


ENDLESS = 1_000_000


def play(wishes: Wishes, tell: Callable[[str], None]) -> Report:
    """Run the demo to its end and count. InputError for what a person can mend."""
    with ExitStack() as stack:
        stack.enter_context(wishes.folder.claimed())
        runtime = stack.enter_context(_memory_folder())
        ours = stack.enter_context(crew(wishes.folder.logs))
        port = runtime / "controller"
        program = controller(wishes.controller, wishes.folder, port, ours, tell, headless=wishes.headless)
        write_configuration(wishes.folder, wishes.ports, str(runtime), port if program else None)
        settings = load_station(wishes.folder.station_toml)
        simulation, links = _prepare(wishes, settings, program, tell)
        _start(wishes, stack, ours, tell)
        around = simulation.surroundings(_teller(simulation.people, links, runtime, tell))
        composition = compose(settings, replace(around, loads=at_once))  # its first resident is seen too
        if simulation.is_virtual:
            simulation.run_virtual(composition)
        else:
            _run_in_real_time(composition, simulation, ours)
        _let_all_arrive(settings, ours)
        return _count(settings, composition)


def _prepare(
    wishes: Wishes,
    settings: StationSettings,
    program: subprocess.Popen[bytes] | None,
    tell: Callable[[str], None],
) -> tuple[Simulation, dict[str, str]]:
    """Keys, people, ledger: everything but processes."""
    tell("making the ledger and the town")
    photos = open_photos(wishes.photos)
    state_dir = Path(settings.station.state_dir)
    init(wishes.folder.ledger_toml)
    secrets_dir = load_ledger(wishes.folder.ledger_toml).state_dir
    keys = make_keys(state_dir, read_card_key(secrets_dir), read_signing_key(secrets_dir).public_key())
    people = neighbourhood(Random(TOWN_SEED), keys.card, width=CARD_BITS)  # noqa: S311 (invents people)
    from scripts.demonstration.seeding import seed  # noqa: PLC0415 (models need Django set up)

    links = seed(people, keys.signing.public_key().public_bytes_raw().hex(), state_dir)
    script = Script(visits=wishes.visits or ENDLESS, people=people)
    begins = time.time() if wishes.headless and program is None else None
    board = None if program is None else _board(program, keys.card)
    return Simulation(settings, photos, script, Random(wishes.seed), begins, board), links  # noqa: S311


def _board(program: subprocess.Popen[bytes], card_key: bytes) -> Board:
    assert program.stdin is not None  # noqa: S101 (converse gives pipes)
    assert program.stdout is not None  # noqa: S101
    return Board(program.stdin.fileno(), program.stdout.fileno(), card_key)


def _start(wishes: Wishes, stack: ExitStack, ours: Crew, tell: Callable[[str], None]) -> None:
    """Broker, ledger, sync and, on screen, the pages."""
    tell("starting broker, ledger and sync" + ("" if wishes.headless else ", and the pages"))
    stack.enter_context(_broker(wishes.ports.broker))
    stack.callback(ours.end)  # before the broker ends
    station, ledger = str(wishes.folder.station_toml), str(wishes.folder.ledger_toml)
    ours.start("ingest", ["ledger", "ingest", "--config", ledger])
    ours.start("sync", ["station", "sync", "--config", station])
    if not wishes.headless:
        ours.start("pages", ["ledger", "serve", "--config", ledger])
        ours.start("panel", ["station", "panel", "--config", station, "--port", str(wishes.ports.panel)])
        tell(f"the station's screen:  http://{LOOPBACK}:{wishes.ports.panel}/?lang=en   (中文: ?lang=zh)")
        tell("Ctrl-C ends everything; the next demo goes on from here")


@contextmanager
def _broker(port: int) -> Iterator[None]:
    """A broker inside this demo. Ctrl-C must not reach it: it is needed until the last receipt."""
    broker = Broker(port=port, listen=LOOPBACK)
    # The broker's process inherits the blocked signal. One that comes meanwhile waits for us, and is not
    # lost as an ignored one would be.
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        broker.start()
    except OSError:
        raise InputError(f"port {port} (the demo's broker) is in use", "choose others with --port") from None
    finally:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        broker.stop()


@contextmanager
def _memory_folder() -> Iterator[Path]:
    """A folder in memory where the kernel has one, gone when the demo ends."""
    shared = Path("/dev/shm")  # noqa: S108 (mkdtemp makes a private folder in it)
    with tempfile.TemporaryDirectory(prefix="tongzhan-", dir=shared if shared.is_dir() else None) as name:
        yield Path(name)


def _teller(
    people: Neighbourhood, links: dict[str, str], runtime: Path, tell: Callable[[str], None]
) -> Callable[[Journal], Journal]:
    names = {person.card: person.name for person in people.known}

    def told(line: str, facts: VisitFacts) -> None:
        tell(line)
        if facts.card in links:
            link = {"url": links[facts.card], "name": names[facts.card]}
            fresh = runtime / f".{LINK_FILE}.new"
            fresh.write_bytes(msgspec.json.encode(link))
            fresh.replace(runtime / LINK_FILE)

    return lambda journal: TellingJournal(journal, people, told)


def _run_in_real_time(composition: Composition, simulation: Simulation, ours: Crew) -> None:
    """Play in real time until all visits are over, Ctrl-C, or a process of ours that fell."""
    station = composition.station
    stopping = threading.Event()

    def watch() -> None:
        while not stopping.wait(0.5):
            if (simulation.is_over and not station.state.visits) or ours.fallen():
                station.stop()
                return

    before = {
        number: signal.signal(number, lambda *_: station.stop()) for number in (signal.SIGINT, signal.SIGTERM)
    }
    watcher = thread(watch, "watch", interrupt)
    watcher.start()
    try:
        composition.run()
    finally:
        stopping.set()
        watcher.join()
        for number, handler in before.items():
            signal.signal(number, handler)
    if fallen := ours.fallen():
        raise InputError(fallen, "start the demo again; it goes on from here")


def _let_all_arrive(settings: StationSettings, ours: Crew) -> None:
    """Wait until the outbox is empty; what is not there by then counts as lost."""
    outbox = Outbox(Path(settings.station.state_dir))
    deadline = time.monotonic() + ARRIVE_S
    try:
        while outbox.depth() and time.monotonic() < deadline:
            if fallen := ours.fallen():
                raise InputError(fallen, "start the demo again; it goes on from here")
            time.sleep(0.1)
    finally:
        outbox.close()


def _count(settings: StationSettings, composition: Composition) -> Report:
    from scripts.demonstration.seeding import read_ledger  # noqa: PLC0415 (models need Django set up)

    epoch = composition.journal.epoch
    journal = read_journal(Path(settings.station.state_dir), epoch)
    return make_report(journal, read_ledger(epoch), composition.station.tap_to_lid_s)
