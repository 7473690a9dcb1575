"""The power fails at any moment: reported visits are on the disk, and a repair loses nothing.

What a killed process has written stays (test_crash.py); here everything unsynced is lost.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from cloud_sync.wire.envelope import EpochReceipt
from edge.journal.repair import COMPLETE
from edge.journal.salvage import salvage
from edge.journal.schema import JOURNAL_FILE, PAGE_BYTES
from edge.sync.outbox import Outbox
from tests.edge.journal.checks import NOON, opened, sound, visit
from tests.edge.journal.powercut import Cut, Record, cuts, forget_shim, record, without
from tests.edge.journal.test_crash import MEMORY
from tests.edge.workbench import by_hand

A = "a" * 16
LOG = f"{JOURNAL_FILE}-wal"
VISITS = 8
EVENTS = 65
LATER = "c" * 16
"""The epoch of a visit after the repair."""
KEPT = list(range(1, EVENTS + 1))
OFTEN = pytest.mark.parametrize(
    ("seeds", "every"), [(range(1), 9), pytest.param(range(5), 1, marks=pytest.mark.full)]
)


@pytest.fixture(scope="module", autouse=True)
def _shim() -> Iterator[None]:
    yield
    forget_shim()


@pytest.fixture
def place() -> Iterator[Path]:
    """Give a folder in memory: syncs cost nothing there, and the model loses everything unsynced."""
    with TemporaryDirectory(dir=MEMORY if MEMORY.is_dir() else None) as name:
        yield Path(name).resolve()


# --- a station that records ---------------------------------------------------------------------

STATION = f"""
from cloud_sync.wire.envelope import EpochReceipt
from cloud_sync.wire.facts import Role
from edge.journal.schema import JOURNAL_FILE, connect
from edge.sync.outbox import Outbox
from edge.roster import CardState, RosterEntry
from tests.edge.builders import card
from tests.edge.journal.checks import ALARM, NOON, opened, visit

journal, outbox = opened(root, "{A}"), Outbox(root)
journal._database.execute("PRAGMA wal_autocheckpoint=6")
outbox.claim("lane", "gate")
for number in range(1, {VISITS} + 1):
    journal.record_visit(visit(3, who=f"card {{number}}"), NOON)
    tell(number)
    outbox.note_receipts([EpochReceipt("{A}", number // 2)])
    outbox.replace_roster({{card(f"li {{number}}"): RosterEntry(CardState.ACTIVE, Role.STAFF)}})
outbox.close()
journal.close()
"""


@pytest.fixture(scope="module")
def lived() -> Record:
    """Record all that a station and its sync do to their folder, from the first start to a clean stop."""
    with TemporaryDirectory(dir=MEMORY if MEMORY.is_dir() else None) as name:
        root = Path(name, "state")
        root.mkdir()
        return record(STATION, root, Path(name, "log"))


def goes_on(cut: Cut) -> None:
    """Check that everything reported is there, once, and that the station goes on in this folder."""
    journal = opened(cut.folder)
    assert journal.mended is None, f"damaged by a power cut after change {cut.at}"
    kept = sound(cut.folder)
    assert kept[: len(cut.told)] == [(A, int(number)) for number in cut.told], (
        f"a visit that was told is gone after change {cut.at}"
    )
    journal.record_visit(visit(), NOON)
    outbox = Outbox(cut.folder)
    outbox.note_receipts([EpochReceipt(A, VISITS), EpochReceipt(journal.epoch, 1)])
    assert outbox.depth() == 0
    outbox.close()
    journal.close()
    assert len(sound(cut.folder)) == len(kept) + 1


def each_cut(
    record_: Record, place: Path, check: Callable[[Cut], None], seed: int | None = None, every: int = 1
) -> int:
    """Check the folder after every cut; return the number of cuts."""
    count = 0
    for cut in cuts(record_, place, seed, every):
        check(cut)
        count += 1
    return count


def test_reported_visits_are_on_the_disk_whenever_the_power_fails(lived: Record, place: Path) -> None:
    assert sum(change.what == "N" for change in lived.changes) == VISITS
    assert each_cut(lived, place, goes_on) > 2 * VISITS


@OFTEN
def test_writes_that_a_power_cut_interrupted_do_no_harm(
    lived: Record, place: Path, seeds: range, every: int
) -> None:
    for seed in seeds:
        assert each_cut(lived, place, goes_on, seed, every) > 40


def test_a_station_that_never_synced_would_fail_in_this_model(lived: Record, place: Path) -> None:
    with pytest.raises(AssertionError, match="a visit that was told is gone"):
        each_cut(without(lived, "S"), place, goes_on)


# --- a journal that is mended -------------------------------------------------------------------

HOLDER = """
import fcntl, sys
with open(sys.argv[1], "rb") as file:
    fcntl.lockf(file, fcntl.LOCK_SH, 510, 0x4000_0002)  # SQLite's own shared lock
    print("held", flush=True)
    sys.stdin.read()
"""
"""Another process that has the journal open, like the sync process: then closing does not checkpoint."""

MENDING = f"""
import subprocess
from datetime import UTC, datetime
from edge.journal.repair import open_mended
from tests.edge.journal.checks import NOON, opened, visit
from tests.edge.journal.test_power_cut import held_open
with held_open(root):
    connection, mended = open_mended(root, datetime(2026, 11, 22, tzinfo=UTC))
    assert mended is not None
    tell(mended.events)
    connection.close()
journal = opened(root, "{LATER}")
journal.record_visit(visit(2, who="after the mending"), NOON)
tell("visit")
journal.close()
"""


WITHOUT_LINKS = """
import errno
def refused(*_names, **_options):
    raise PermissionError(errno.EPERM, "this file system has no hard links")
os.link = refused
"""
"""As exFAT and FAT answer."""


@contextmanager
def held_open(folder: Path) -> Iterator[None]:
    command = [sys.executable, "-c", HOLDER, str(folder / JOURNAL_FILE)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"held\n"
        yield
        process.communicate()


def scramble(file: Path) -> None:
    image = bytearray(file.read_bytes())
    image[:100] = b"\xa5" * 100
    file.write_bytes(image)


def broken(folder: Path) -> None:
    """Leave a file with a bad header and a valid log, as after a power cut."""
    forgotten = opened(folder, "b" * 16)
    for number in range(EVENTS):
        forgotten.record_visit(visit(2, who=f"card {number}"), NOON)
    forgotten.close()
    # The mended journal never had that epoch: its rows have other ids and stand on other pages. Under the old
    # log a page of it would be lost, with rows that stand nowhere else.
    by_hand(folder / JOURNAL_FILE, "DELETE FROM records WHERE id < 2 << 32")
    by_hand(folder / JOURNAL_FILE, "DELETE FROM epochs WHERE number = 1")
    journal = opened(folder, A)
    for number in range(EVENTS - 1):
        journal.record_visit(visit(2, who=f"card {number}"), NOON)
    by_hand(folder / JOURNAL_FILE, "PRAGMA wal_checkpoint(TRUNCATE)")
    journal.record_visit(visit(2, who="late"), NOON)
    image = {name: (folder / name).read_bytes() for name in (JOURNAL_FILE, LOG)}
    journal.close()
    assert len(image[LOG]) < 3 * PAGE_BYTES, "a page was added, so the log has the header: take other EVENTS"
    for name, content in image.items():
        (folder / name).write_bytes(content)
    scramble(folder / JOURNAL_FILE)


def repairing(program: str) -> Record:
    """Record all that a repair does to the folder of a broken journal."""
    with TemporaryDirectory(dir=MEMORY if MEMORY.is_dir() else None) as name:
        root = Path(name, "state")
        root.mkdir()
        broken(root)
        return record(program, root, Path(name, "log"))


@pytest.fixture(scope="module")
def mended() -> Record:
    return repairing(MENDING)


def events_of(folder: Path) -> list[int]:
    """Return the sequences of the damaged epoch that can be read in a folder."""
    file = folder / JOURNAL_FILE
    names = [one.named() for one in salvage(file).records] if file.exists() else []
    return sorted(name.sequence for name in names if name.epoch == A)


def is_whole(cut: Cut) -> None:
    """Check that the next opening has every event once, and that the damaged files are kept whole."""
    journal = opened(cut.folder)
    journal.record_visit(visit(), NOON)
    journal.close()
    assert events_of(cut.folder) == KEPT, f"events are gone after change {cut.at}"
    assert by_hand(cut.folder / JOURNAL_FILE, "PRAGMA integrity_check") == [("ok",)]
    assert not (cut.folder / COMPLETE).exists()
    asides = list(cut.folder.glob("journal-damaged-*"))
    assert any(events_of(aside) == KEPT for aside in asides), (
        f"the damaged journal is not kept whole after change {cut.at}"
    )
    if cut.told:
        assert journal.mended is None, "a mending that was told is on the disk"
    if len(cut.told) > 1:
        names = [one.named().epoch for one in salvage(cut.folder / JOURNAL_FILE).records]
        assert LATER in names, f"a visit that was told after the mending is gone after change {cut.at}"


def test_a_power_cut_at_any_moment_of_a_repair_loses_no_event_and_no_evidence(
    mended: Record, place: Path
) -> None:
    assert each_cut(mended, place, is_whole) > 5


def test_a_power_cut_at_any_moment_of_a_repair_without_hard_links_loses_no_event_and_no_evidence(
    place: Path,
) -> None:
    by_copies = repairing(WITHOUT_LINKS + MENDING)
    assert not [change for change in by_copies.changes if change.what == "L"]
    assert each_cut(by_copies, place, is_whole) > 5


@OFTEN
def test_writes_of_a_repair_that_a_power_cut_interrupted_do_no_harm(
    mended: Record, place: Path, seeds: range, every: int
) -> None:
    for seed in seeds:
        assert each_cut(mended, place, is_whole, seed, every) > 10


def test_a_repaired_journal_takes_nothing_from_the_damaged_ones_log(tmp_path: Path) -> None:
    broken(tmp_path)
    with held_open(tmp_path):
        journal = opened(tmp_path)
    assert journal.mended is not None
    # SQLite would lay a log that is sound over whatever file stands beside it.
    assert by_hand(tmp_path / JOURNAL_FILE, "PRAGMA integrity_check") == [("ok",)]
    journal.record_visit(visit(), NOON)
    journal.close()
    assert by_hand(tmp_path / JOURNAL_FILE, "PRAGMA integrity_check") == [("ok",)]
    assert events_of(tmp_path) == KEPT


def test_a_journal_that_lost_all_its_rows_while_in_use_reuses_no_sequence(tmp_path: Path) -> None:
    journal = opened(tmp_path)
    for _ in range(3):
        journal.record_visit(visit(), NOON)
    journal.close()
    shutil.rmtree(tmp_path)
    tmp_path.mkdir()
    journal.record_visit(visit(), NOON)
    assert by_hand(tmp_path / JOURNAL_FILE, "SELECT epoch, sequence FROM outbox") == [(journal.epoch, 4)]
    journal.close()
