"""Whatever becomes of the eye, lids open for a tap and nobody loses by it. The processes are real."""

from __future__ import annotations

import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

import msgspec
import pytest

from cloud_sync.wire.facts import VisitFacts
from edge.journal.schema import JOURNAL_FILE
from edge.station_file import load_station
from tests.station.conftest import CHECKOUT, LEASE_S, Site
from tests.station.plant import MODULES
from tests.station.seeing import LOOKED
from tests.waiting import COMMAND_WITHIN_S, WITHIN_S, until

LOST = "eye_lost"


class SeeingSite:
    """A site whose bin a camera looks into."""

    def __init__(self, site: Site) -> None:
        self.site = site
        site.add_camera()
        text = site.config.read_text(encoding="utf-8")
        text = text.replace(f"lease_s = {LEASE_S}", "lease_s = 40.0", 1)  # it is shut by hand
        site.config.write_text(text, encoding="utf-8")
        site.settings = load_station(site.config)
        self.thrown = site.config.with_name("thrown")
        self.thrown.touch()
        self._looked = self.thrown.with_name(LOOKED)

    @contextmanager
    def process(self, *arguments: str) -> Iterator[subprocess.Popen[bytes]]:
        process = subprocess.Popen([sys.executable, "-m", *arguments], cwd=CHECKOUT)
        try:
            yield process
        finally:
            with suppress(ProcessLookupError):
                process.send_signal(signal.SIGCONT)
                process.kill()
            process.wait(WITHIN_S)

    @contextmanager
    def eye(self) -> Iterator[subprocess.Popen[bytes]]:
        with self.process("tests.station.seeing", str(self.site.config), str(self.thrown)) as process:
            yield process

    def sees(self) -> None:
        """Wait until the eye answers and its model is ready."""
        until(lambda: self.site.shown() and self.site.faults() == set(), "the eye answers", COMMAND_WITHIN_S)

    @property
    def looked(self) -> int:
        try:
            return int(self._looked.read_text(encoding="ascii") or "0")
        except FileNotFoundError:
            return 0

    def open(self) -> None:
        """Tap until the lid is open and its motor off: one still running would undo `shut`."""
        plant = self.site.plant
        self.site.hold_card()
        until(lambda: plant.place == 1 and plant.has_stopped, "the lid is open")

    def shut(self) -> None:
        """Shut the lid by hand."""
        self.site.plant.place = 0.0

    def throw(self) -> None:
        """Throw a thing in, seen or not."""
        with self.thrown.open("ab") as file:
            file.write(b"x")

    def must_look(self) -> None:
        """Wait until the eye has had a look at the open bin."""
        looked = self.looked
        until(lambda: self.looked > looked + 10, "the eye looks", WITHIN_S)

    @property
    def is_judged(self) -> bool:
        """Whether the screen shows what the model said."""
        verdict = self.site.shown().get("verdict")
        return verdict is not None and verdict["state"] is not None

    def visits(self) -> list[VisitFacts]:
        with closing(sqlite3.connect(Path(self.site.settings.station.state_dir) / JOURNAL_FILE)) as journal:
            rows = journal.execute("select facts from visits").fetchall()
        return [msgspec.json.decode(row[0], type=VisitFacts) for row in rows]

    def recorded(self) -> VisitFacts:
        until(self.visits, "the visit is recorded", COMMAND_WITHIN_S)
        (visit,) = self.visits()
        return visit

    def must_be_unseen(self) -> None:
        """One deposit that nobody saw: the neutral amount, whatever was thrown in."""
        assert [deposit.verdict for deposit in self.recorded().deposits] == [None]


@pytest.fixture
def seeing(site: Site) -> Iterator[SeeingSite]:
    """A station with its lids, and a camera that its eye has yet to open."""
    seeing = SeeingSite(site)
    site.init()
    with site.start("lids"), site.start("run"):
        until(lambda: site.faults() == {LOST}, "only the eye is missing", COMMAND_WITHIN_S)
        yield seeing


def test_an_eye_in_a_process_of_its_own_sees_what_is_thrown_in_and_shows_it(seeing: SeeingSite) -> None:
    with seeing.eye():
        seeing.sees()
        seeing.open()
        seeing.must_look()
        seeing.throw()
        until(lambda: seeing.is_judged, "the verdict is on the screen")
        until(lambda: seeing.site.shown().get("picture"), "the picture, too")
        assert (seeing.site.runtime / "picture.jpg").read_bytes()[:2] == b"\xff\xd8"
        seeing.shut()
        (deposit,) = seeing.recorded().deposits
        assert deposit.verdict is not None
        assert seeing.site.faults() == set()


def test_the_stations_own_process_loads_nothing_that_sees(site: Site) -> None:
    SeeingSite(site)
    site.init()
    told = site.pins.with_name(MODULES)
    with site.start("run") as station:
        until(lambda: LOST in site.faults(), "the station is at work, and asks its eye", COMMAND_WITHIN_S)
        station.send_signal(signal.SIGUSR1)
        until(told.exists, "it tells what it has loaded", COMMAND_WITHIN_S)
    loaded = set(told.read_text(encoding="utf-8").splitlines())
    assert "edge.eye.client" in loaded
    assert loaded & {"numpy", "cv2", "onnxruntime", "PIL"} == set()


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSTOP])
def test_an_eye_that_dies_or_hangs_leaves_the_deposit_unseen_and_the_fault_mends_itself(
    seeing: SeeingSite, number: signal.Signals
) -> None:
    with seeing.eye() as eye:
        seeing.sees()
        eye.send_signal(number)
        seeing.open()
        seeing.throw()
        seeing.shut()
        until(lambda: LOST in seeing.site.faults(), "it is a fault")
        seeing.must_be_unseen()
        if number is signal.SIGSTOP:
            eye.send_signal(signal.SIGCONT)
            seeing.sees()
            return
    with seeing.eye():
        seeing.sees()


def test_an_eye_that_comes_back_during_a_visit_sees_what_follows(seeing: SeeingSite) -> None:
    with seeing.eye() as eye:
        seeing.sees()
        seeing.open()
        eye.kill()
        until(lambda: LOST in seeing.site.faults(), "it is a fault")
        with seeing.eye():
            seeing.sees()
            seeing.must_look()
            seeing.throw()
            until(lambda: seeing.is_judged, "the verdict is on the screen")
            seeing.shut()
            assert [one.verdict is None for one in seeing.recorded().deposits] == [False]


def test_an_eye_that_was_away_for_a_moment_of_a_visit_is_not_believed_that_nothing_fell_in(
    seeing: SeeingSite,
) -> None:
    with seeing.eye() as eye:
        seeing.sees()
        seeing.open()
        eye.kill()
        until(lambda: LOST in seeing.site.faults(), "it is a fault")
        seeing.throw()
        with seeing.eye():
            seeing.sees()
            seeing.shut()
            seeing.must_be_unseen()


@pytest.mark.parametrize("wrong", ["flood", "garbage"])
def test_an_eye_that_floods_or_talks_nonsense_is_a_fault_and_holds_up_nobody(
    seeing: SeeingSite, wrong: str
) -> None:
    socket = seeing.site.runtime / "eye.sock"
    with seeing.process("tests.station.wrong_eye", wrong, str(socket)):
        until(socket.exists, "the wrong eye listens", COMMAND_WITHIN_S)
        seeing.open()
        seeing.shut()
        visit = seeing.recorded()
        assert {deposit.verdict for deposit in visit.deposits} == {None}
        assert seeing.site.faults() == {LOST}
    with seeing.eye():
        seeing.sees()


def test_an_eye_that_answers_late_leaves_the_deposit_unseen_and_is_a_fault(seeing: SeeingSite) -> None:
    with seeing.process("tests.station.wrong_eye", "late", str(seeing.site.runtime / "eye.sock")):
        seeing.sees()
        seeing.open()
        until(lambda: "camera_failed" in seeing.site.faults(), "its pictures do not come")
        seeing.shut()
        seeing.must_be_unseen()
        assert LOST not in seeing.site.faults()
