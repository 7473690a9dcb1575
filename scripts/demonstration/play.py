"""One run of the demo: set up, play, wait for the last receipts, count."""

from __future__ import annotations

import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from random import Random

from cloud_sync.ledger.install import init
from cloud_sync.ledger.keys import read_card_key, read_signing_key
from cloud_sync.rules.award_rules import Award
from cloud_sync.wire.facts import VisitFacts
from config.errors import InputError
from config.ledger import load_ledger
from config.process.threads import interrupt, thread
from config.reading.load_sorting import load_sorting
from config.station import StationSettings
from config.words import Both
from edge.main import Composition, compose
from edge.sim.people.plans import Habits
from edge.sim.people.town import Neighbourhood, neighbourhood
from edge.sim.photos.drawn import DrawnThings
from edge.sim.photos.folders import open_photos
from edge.sim.photos.thrown import Things
from edge.sim.simulation import FirmwareProgram, Simulation
from edge.sim.world import Script
from edge.station_file import load_station
from edge.sync.keys import make_keys
from edge.sync.outbox import Outbox
from models.bundle import SHIPPED_BUNDLE, load_bundle
from scripts.demonstration.broker import broker
from scripts.demonstration.console import LEGEND, ReportingJournal, VisitLines
from scripts.demonstration.controller import ControllerChoice, controller
from scripts.demonstration.day import read_day
from scripts.demonstration.folder import Folder, Ports
from scripts.demonstration.live import comparison, counting, serving
from scripts.demonstration.opening import opening
from scripts.demonstration.report import DemoReport, make_report, read_journal
from scripts.demonstration.strip.app import create_app
from scripts.demonstration.strip.state import Strip, Visitors
from scripts.demonstration.strip.switches import LINK, WORKER, Switches
from scripts.demonstration.town import CARD_BITS, COMMUNITY, write_configuration
from scripts.testbed.ports import LOOPBACK, is_free
from scripts.testbed.processes import Crew, crew
from scripts.testbed.proxy import network

ARRIVE_S = 60.0
"""Timeout of the last receipts."""
PANEL_WITHIN_S = 300.0
"""How long the panel's process may take to start on a busy machine; then the page is shown without it."""
TOWN_SEED = 2026
"""Every run has the same people."""
RESIDENTS = 120
"""Sixty households."""
POINTS_SEEN_S = 4.0
"""On screen, how long the last visit's points are shown before the next resident comes or the demo ends."""
ENDLESS = 1_000_000
ONE_AT_A_TIME = Habits(comes_along=0.0)
"""On screen nobody taps while another person's lid is open, so that a viewer can follow one person."""


@dataclass(frozen=True, slots=True)
class DemoOptions:
    """The demo's options. `visits` is None for a demo on screen without an end."""

    folder: Folder
    ports: Ports
    photos: Path | None
    """None: drawn things."""
    visits: int | None
    seed: int
    headless: bool
    controller: ControllerChoice = ControllerChoice.AUTO


@dataclass(frozen=True, slots=True)
class _Town:
    """What is made before anything runs. `links` are the residents' statements by card."""

    simulation: Simulation
    visitors: Visitors
    lines: VisitLines


def play(options: DemoOptions, say: Callable[[str], None]) -> DemoReport:
    """Run the demo to its end and count. InputError for problems that a person can fix."""
    with ExitStack() as stack:
        stack.enter_context(options.folder.claimed())
        runtime = stack.enter_context(_memory_folder())
        processes = stack.enter_context(crew(options.folder.logs))
        port = runtime / "controller"
        program = controller(
            options.controller, options.folder, port, processes, say, headless=options.headless
        )
        write_configuration(options.folder, options.ports, str(runtime), port if program else None)
        settings = load_station(options.folder.station_toml)
        if not options.headless or program is not None:  # in virtual time the station sees by itself
            processes.start("eye", ["station", "eye", "--config", str(options.folder.station_toml)])
        town = _prepare(options, settings, program, say)
        switches = _start(options, stack, processes, say)

        def report(facts: VisitFacts, award: Award) -> None:
            say(town.lines.line(facts, award))
            town.visitors.recorded(facts.card)

        around = town.simulation.surroundings(lambda journal: ReportingJournal(journal, report))
        composition = compose(settings, around)
        if town.simulation.is_virtual:
            town.simulation.run_virtual(composition)
        else:
            with ExitStack() as page:
                if switches is not None:
                    _await_panel(options.ports, processes)
                    _show(options, settings, town, switches, composition, page)
                    _greet(options.ports, say)
                _run_in_real_time(composition, town.simulation, processes, switches)
        _let_all_arrive(settings, processes, switches)
        return _count(settings, composition)


def _prepare(
    options: DemoOptions,
    settings: StationSettings,
    program: subprocess.Popen[bytes] | None,
    say: Callable[[str], None],
) -> _Town:
    """Make keys, people and ledger: everything but processes."""
    say("making the ledger and the town")
    things: Things = DrawnThings() if options.photos is None else open_photos(options.photos)
    state_dir = Path(settings.station.state_dir)
    init(options.folder.ledger_toml)
    secrets_dir = load_ledger(options.folder.ledger_toml).state_dir
    card_key = read_card_key(secrets_dir, COMMUNITY)
    keys = make_keys(state_dir, card_key, read_signing_key(secrets_dir).public_key())
    people = neighbourhood(Random(TOWN_SEED), keys.card, RESIDENTS, CARD_BITS)  # noqa: S311 (invents people)
    from scripts.demonstration.seeding import seed  # noqa: PLC0415 (models need Django set up)

    links = seed(people, keys.signing.public_key().public_bytes_raw().hex(), state_dir)
    begins = time.time() if options.headless and program is None else None
    board = None if program is None else _board(program, keys.card)
    script = _script(options, settings, people, things)
    simulation = Simulation(settings, things, script, Random(options.seed), begins, board)  # noqa: S311
    bins = {section.reader: section.category for section in settings.bin if section.reader is not None}
    visitors = Visitors(people, bins, links)
    simulation.when_tapped = visitors.tapped
    labels = {label.key: Both(label.zh, label.en) for label in load_bundle(SHIPPED_BUNDLE).manifest.labels}
    return _Town(simulation, visitors, VisitLines(people, load_sorting(settings.model.sorting), labels))


def _script(options: DemoOptions, settings: StationSettings, people: Neighbourhood, things: Things) -> Script:
    """Return the script: on screen three chosen visits come first, with time to see their points."""
    visits = options.visits or ENDLESS
    if options.headless:
        return Script(visits=visits, people=people)
    shortest_s = settings.visit.linger_s + POINTS_SEEN_S
    return Script(
        visits=visits,
        people=people,
        habits=ONE_AT_A_TIME,
        opening=opening(settings, people, things)[:visits],
        gap_s=(shortest_s, shortest_s + 3.0),
    )


def _board(program: subprocess.Popen[bytes], card_key: bytes) -> FirmwareProgram:
    assert program.stdin is not None  # noqa: S101 (converse gives pipes)
    assert program.stdout is not None  # noqa: S101
    return FirmwareProgram(program.stdin.fileno(), program.stdout.fileno(), card_key)


def _start(
    options: DemoOptions, stack: ExitStack, processes: Crew, say: Callable[[str], None]
) -> Switches | None:
    """Start broker, ledger and sync, and on screen also the pages and the switches."""
    ports = options.ports
    say("starting broker, ledger and sync" + ("" if options.headless else ", and the pages"))
    stack.enter_context(broker(ports.broker))
    links = None if options.headless else stack.enter_context(network())
    stack.callback(processes.end)  # before broker and network end
    station, ledger = str(options.folder.station_toml), str(options.folder.ledger_toml)
    worker = ("ledger", "ingest", "--config", ledger)
    processes.start(WORKER, worker)
    if links is not None:
        links.open(LINK, ports.link, ports.broker)
    processes.start("sync", ["station", "sync", "--config", station])
    if links is None:
        return None
    processes.start("pages", ["ledger", "serve", "--config", ledger])
    panel = ["station", "panel", "--config", station, "--port", str(ports.panel)]
    for host in (LOOPBACK, "localhost"):
        panel += ["--framed-by", f"http://{host}:{ports.page}"]
    processes.start("panel", panel)
    return Switches(links, processes, worker)


def _await_panel(ports: Ports, processes: Crew) -> None:
    """Wait until the panel answers: a page that was opened before would keep an empty frame."""
    deadline = time.monotonic() + PANEL_WITHIN_S
    while is_free(ports.panel) and not processes.fallen() and time.monotonic() < deadline:
        time.sleep(0.1)


def _greet(ports: Ports, say: Callable[[str], None]) -> None:
    say(f"open  http://{LOOPBACK}:{ports.page}/   in the browser's language; ?lang=en, ?lang=zh")
    say("Ctrl-C ends everything; the next demo goes on from here")
    for line in LEGEND:
        say(line)


def _show(
    options: DemoOptions,
    settings: StationSettings,
    town: _Town,
    switches: Switches,
    composition: Composition,
    stack: ExitStack,
) -> None:
    """Serve the demo's page until `stack` closes."""
    from scripts.demonstration.strip.office import Office  # noqa: PLC0415 (models need Django set up)

    state_dir = Path(settings.station.state_dir)
    counts = comparison(state_dir, lambda: composition.journal.epoch)
    strip = Strip(town.visitors, switches, counts, load_sorting(settings.model.sorting))
    office = Office()
    stack.enter_context(
        counting(counts, town.visitors, lambda: read_day(state_dir, composition.journal.epoch))
    )
    stack.enter_context(serving(create_app(strip, options.ports, office.session), options.ports))


@contextmanager
def _memory_folder() -> Iterator[Path]:
    """Make a folder for the demo's time, in memory if the kernel has one there."""
    shared = Path("/dev/shm")  # noqa: S108 (mkdtemp makes a private folder in it)
    with tempfile.TemporaryDirectory(prefix="tongzhan-", dir=shared if shared.is_dir() else None) as name:
        yield Path(name)


def _run_in_real_time(
    composition: Composition, simulation: Simulation, processes: Crew, switches: Switches | None
) -> None:
    """Play in real time until all visits are over, Ctrl-C, or the end of a process."""
    station = composition.station
    stopping = threading.Event()

    def watch() -> None:
        while not stopping.wait(0.5):
            if switches is not None:
                switches.tick()
            is_over = simulation.is_over and not station.state.visits
            if is_over and switches is not None:
                stopping.wait(POINTS_SEEN_S)
            if is_over or processes.fallen():
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
    if fallen := processes.fallen():
        raise InputError(fallen, "start the demo again; it goes on from here")


def _let_all_arrive(settings: StationSettings, processes: Crew, switches: Switches | None) -> None:
    """Undo what a visitor broke, and wait for an empty outbox; events that do not arrive in time are lost."""
    if switches is not None:
        switches.mend()
    outbox = Outbox(Path(settings.station.state_dir))
    deadline = time.monotonic() + ARRIVE_S
    try:
        while outbox.depth() and time.monotonic() < deadline:
            if fallen := processes.fallen():
                raise InputError(fallen, "start the demo again; it goes on from here")
            time.sleep(0.1)
    finally:
        outbox.close()


def _count(settings: StationSettings, composition: Composition) -> DemoReport:
    from scripts.demonstration.seeding import read_ledger  # noqa: PLC0415 (models need Django set up)

    epoch = composition.journal.epoch
    journal = read_journal(Path(settings.station.state_dir), epoch)
    return make_report(journal, read_ledger(epoch), composition.station.tap_to_lid_s)
