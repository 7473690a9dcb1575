"""The keeper and the station's end of it: who may connect, which requests count, which faults follow."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

import pytest

from cloud_sync.service.systemd import notifier_of
from config.errors import InputError
from config.station import StationSettings
from edge.faults import FaultCode
from edge.hardware.pins import Contact
from edge.lids.client import KeeperLink
from edge.lids.driven import guard_on_a_thread
from edge.lids.gpio_lid import GpioLid
from edge.lids.outbound import Outbound
from edge.lids.process import keep_lids, kept_lids, socket_folders
from edge.lids.protocol import Keeps, Moved, Open, Report, pack, report_in
from edge.lids.server import SOCKET, Keeper
from edge.local.protocol import Beat, Taken
from edge.loop.clocks import RealClock
from edge.loop.latches import EmergencyLatch
from edge.messages import FaultCleared, FaultRaised
from edge.part_kinds import STATION
from tests.edge.hardware.board import WIRES, MockBoard, MovingLid, motor
from tests.edge.hardware.posted import Posted
from tests.programs import TONGZHAN
from tests.station.conftest import Site
from tests.station.manager import Manager, Readiness
from tests.station.plant import Levels
from tests.waiting import COMMAND_WITHIN_S, WITHIN_S, until

TRAVEL_S = 0.2


@dataclass
class Kept:
    """A keeper on a thread of this process, over mock pins."""

    settings: StationSettings
    board: MockBoard = field(default_factory=MockBoard)
    stops: list[Callable[[], None]] = field(default_factory=list)
    readiness: Readiness = field(default_factory=Readiness)

    @property
    def folder(self) -> Path:
        return Path(self.settings.station.runtime_dir)

    def keep(self) -> None:
        keep_lids(
            self.settings,
            lambda: self.board.factory,
            self.readiness,
            self.stops.append,
            guard_on_a_thread,
        )


@pytest.fixture
def kept(site: Site) -> Iterator[Kept]:
    kept = Kept(site.settings)
    thread = threading.Thread(target=kept.keep)
    thread.start()
    assert kept.readiness.came.wait(WITHIN_S)
    with MovingLid(kept.board, TRAVEL_S):
        yield kept
        kept.stops[0]()
        thread.join(WITHIN_S)
    assert not thread.is_alive()
    assert not (kept.folder / SOCKET).exists()


@pytest.fixture
def posted() -> Posted:
    return Posted()


@pytest.fixture
def link(kept: Kept, posted: Posted) -> Iterator[KeeperLink]:
    """Give a station's end that knows the lid's position."""
    link = KeeperLink([kept.folder], ["kitchen"], RealClock(), posted)
    link.start()
    until(lambda: "LidClosed" in posted.names())
    yield link
    link.stop()


def raised(posted: Posted) -> list[tuple[FaultCode, str]]:
    return [(event.fault, event.part) for event in posted.events if isinstance(event, FaultRaised)]


# --- asking -------------------------------------------------------------------------------------


def test_a_lease_opens_the_lid_and_its_position_is_reported(
    kept: Kept, link: KeeperLink, posted: Posted
) -> None:
    link.lids["kitchen"].open(60)
    until(lambda: posted.names()[-1] == "LidOpened")
    link.lids["kitchen"].end_lease()
    until(lambda: posted.names()[-1] == "LidClosed")
    until(lambda: motor(kept.board) == (False, False), "the motor stops")
    assert raised(posted) == []


def test_a_station_that_stops_ends_its_leases_and_the_next_one_gets_the_lids_position(
    kept: Kept, link: KeeperLink, posted: Posted
) -> None:
    link.lids["kitchen"].open(60)
    until(lambda: posted.names()[-1] == "LidOpened")
    link.stop()
    again = Posted()
    other = KeeperLink([kept.folder], ["kitchen"], RealClock(), again)
    other.start()
    until(lambda: "LidClosed" in again.names())
    other.stop()


def test_a_second_station_is_disconnected_and_the_first_goes_on(
    kept: Kept, link: KeeperLink, posted: Posted
) -> None:
    others = Posted()
    other = KeeperLink([kept.folder], ["kitchen"], RealClock(), others)
    other.start()
    until(lambda: raised(others) == [(FaultCode.LID_UNREACHABLE, "kitchen")])
    other.lids["kitchen"].open(60)
    link.lids["kitchen"].open(60)
    until(lambda: posted.names()[-1] == "LidOpened")
    other.stop()
    assert raised(posted) == []


def test_a_bin_whose_lid_the_keeper_does_not_have_is_named(kept: Kept, posted: Posted) -> None:
    link = KeeperLink([kept.folder], ["kitchen", "glass"], RealClock(), posted)
    link.start()
    until(lambda: "LidClosed" in posted.names())
    link.lids["glass"].open(60)
    assert raised(posted) == [(FaultCode.LID_MISSING, "glass")]
    link.stop()


def test_a_station_without_a_keeper_names_the_fault_once_and_clears_it_when_there_is_one(
    site: Site, posted: Posted
) -> None:
    link = KeeperLink([site.runtime], ["kitchen"], RealClock(), posted)
    link.lids["kitchen"].open(60)
    link.start()
    until(lambda: raised(posted) == [(FaultCode.LID_UNREACHABLE, "kitchen")])
    with site.start("lids"):
        until(lambda: "LidClosed" in posted.names(), "a keeper came", COMMAND_WITHIN_S)
        cleared = [event.fault for event in posted.events if isinstance(event, FaultCleared)]
        assert FaultCode.LID_UNREACHABLE in cleared
        assert len(raised(posted)) == 1
    link.stop()


def test_a_hung_keeper_is_a_fault_and_does_not_carry_out_old_requests_late(
    site: Site, posted: Posted
) -> None:
    link = KeeperLink([site.runtime], ["kitchen"], RealClock(), posted)
    with site.start("lids") as keeper:
        link.start()
        until(lambda: "LidClosed" in posted.names(), "the keeper is there", COMMAND_WITHIN_S)
        before = len(posted.events)
        keeper.send_signal(signal.SIGSTOP)
        link.lids["kitchen"].open(0.5)
        until(lambda: "FaultRaised" in posted.names()[before:], "its silence is noticed")
        assert raised(posted)[-1] == (FaultCode.LID_UNREACHABLE, "kitchen")
        keeper.send_signal(signal.SIGCONT)
        until(lambda: "LidClosed" in posted.names()[before:], "it is there again")
        assert site.plant.drives == []
        link.lids["kitchen"].open(60)
        until(lambda: site.plant.place == 1, "it opens for who asks now")
        link.stop()


# --- who may ask, and what is believed ----------------------------------------------------------


def heard(station: socket.socket) -> list[Report | None]:
    reports: list[Report | None] = []
    while True:
        try:
            packet = station.recv(4096)
        except BlockingIOError:
            return reports
        if not packet:
            return reports
        reports.append(report_in(packet))


def call(kept: Kept) -> socket.socket:
    station = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET | socket.SOCK_NONBLOCK)
    station.connect(os.fspath(kept.folder / SOCKET))
    return station


def test_nonsense_and_requests_for_other_lids_are_ignored(kept: Kept) -> None:
    with call(kept) as station:
        for packet in (b"\0", b"open", b"x" * 5000, pack(Open("cellar", 1.0, 8.0)), pack(Beat())):
            station.send(packet)
        station.send(pack(Open("kitchen", RealClock().now(), 60)))
        until(lambda: motor(kept.board) == (True, False))


@pytest.mark.parametrize("ago_s", [10.0, -1e6])
def test_a_lease_counts_from_its_request_and_never_runs_longer(kept: Kept, ago_s: float) -> None:
    with call(kept) as station:
        until(lambda: any(isinstance(report, Moved) for report in heard(station)), "the lid is shut")
        now = RealClock().now()
        station.send(pack(Open("kitchen", max(0.0, now - ago_s), 1.5)))
        station.send(pack(Open("cellar", now, 1.0)))
        moved: list[str] = []

        def is_over() -> bool:
            moved.extend(report.what for report in heard(station) if isinstance(report, Moved))
            return "closed" in moved if ago_s < 0 else RealClock().now() > now + 2.5

        until(is_over, "the lease is over")
        assert moved == ([] if ago_s > 0 else ["leased", "opened", "closed"])
        assert RealClock().now() >= now + 1.5


def test_a_station_gets_the_bins_then_the_positions_and_then_beats(kept: Kept) -> None:
    reports: list[Report | None] = []
    with call(kept) as station:

        def has_beaten() -> bool:
            reports.extend(heard(station))
            return reports.count(Beat()) >= 2

        until(has_beaten)
    assert reports[0] == Keeps(("kitchen",))
    assert [report.what for report in reports if isinstance(report, Moved)] == ["closed"]


def test_only_the_keepers_own_user_may_connect(kept: Kept) -> None:
    path = kept.folder / SOCKET
    assert path.stat().st_mode & 0o777 == 0o600
    if os.geteuid() != 0:
        pytest.skip("only root can try it as somebody else")
    path.chmod(0o666)  # as if the file's permissions let it in by mistake
    kept.folder.chmod(0o755)
    assert as_nobody(kept.folder) == "sent away"
    with call(kept) as station:
        until(lambda: heard(station), "the right user is let in")


def as_nobody(folder: Path) -> str:
    """Connect as another user, in a process of its own; return the outcome."""
    child = os.fork()
    if child == 0:
        os.chdir(folder)  # as root: other users cannot reach it
        os.setgid(65534)
        os.setuid(65534)
        station = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        station.settimeout(WITHIN_S)
        try:
            station.connect(SOCKET)
            os._exit(0 if station.recv(100) else 1)
        except ConnectionError:  # it may be disconnected before it reads
            os._exit(1)
        finally:
            os._exit(2)
    _, status = os.waitpid(child, 0)
    return {0: "let in", 1: "sent away", 2: "failed"}[os.waitstatus_to_exitcode(status)]


def test_a_station_that_does_not_read_is_disconnected_and_nobody_waits_for_it() -> None:
    near, far = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    near.setblocking(False)  # noqa: FBT003 (the socket's own way)
    outbound = Outbound()
    outbound.connect(near)
    for _ in range(10_000):
        outbound.send(Beat())
    far.setblocking(False)  # noqa: FBT003 (as above)
    while far.recv(100):
        pass  # what it was told before; then the end
    near.close()
    far.close()


# --- its own health -----------------------------------------------------------------------------


@dataclass
class OldLid:
    """A lid whose thread last polled at a given time."""

    polled_at: float


def test_a_keeper_with_a_hung_lid_sends_no_heartbeat_to_station_or_systemd(
    tmp_path: Path,
) -> None:
    lids = {"fine": OldLid(time.monotonic()), "hangs": OldLid(time.monotonic() - 60)}
    with Manager(tmp_path, 0.001) as manager:
        notifier = notifier_of(manager.env)
        kept = cast("dict[str, GpioLid]", lids)
        keeper = Keeper([tmp_path / "run"], kept, Outbound(), RealClock(), notifier)
        keeper.turn()
        assert manager.listen() == []
        lids["hangs"].polled_at = time.monotonic()
        keeper.turn()
        assert manager.listen() == ["WATCHDOG=1"]
        keeper.close()
        notifier.close()


@dataclass
class StoppedLid:
    """A lid that notes when it was stopped."""

    calls: list[str]

    def stop_motors(self) -> None:
        self.calls.append("lid")


def test_in_an_emergency_the_motors_lose_their_power_before_any_lid_is_asked(tmp_path: Path) -> None:
    calls: list[str] = []
    lids = cast("dict[str, GpioLid]", {"one": StoppedLid(calls), "other": StoppedLid(calls)})
    keeper = Keeper([tmp_path / "run"], lids, Outbound(), RealClock(), notifier_of({}))
    keeper.stop_first(lambda: calls.append("power"))
    keeper.stop_motors()
    keeper.close()
    assert calls == ["power", "lid", "lid"], "a lid that hangs would hold the others up"


def test_a_second_keeper_is_refused_and_leaves_the_first_ones_socket(kept: Kept, link: KeeperLink) -> None:
    second = Kept(kept.settings)
    with pytest.raises(InputError, match="another keeper has"):
        second.keep()
    assert second.board.outputs == []
    link.lids["kitchen"].open(60)
    until(lambda: motor(kept.board) == (True, False))


def test_a_pin_that_is_taken_is_named_and_all_else_given_back(site: Site) -> None:
    kept = Kept(site.settings)
    taken = Contact(WIRES.obstruction or 0, lambda: None, kept.board.factory)
    with pytest.raises(InputError, match=f"pin {WIRES.obstruction} cannot be used"):
        kept.keep()
    assert not (kept.folder / SOCKET).exists()
    taken.close()
    thread = threading.Thread(target=kept.keep)
    thread.start()
    assert kept.readiness.came.wait(WITHIN_S)
    kept.board.contact(WIRES.closed_switch, closed=True)
    kept.stops[-1]()
    thread.join(WITHIN_S)
    assert not thread.is_alive()


def test_without_lids_at_the_pi_no_pins_are_claimed(site: Site) -> None:
    text = site.config.read_text(encoding="utf-8")
    assert list(kept_lids(site.settings)) == ["kitchen"]
    head = text.partition("[bin.lid]")[0]
    controller = '[bin.lid]\nkind = "controller"\ncontroller = "mcu"\nnumber = 0\n'
    site.config.write_text(f'{head}{controller}[[controller]]\nid = "mcu"\nport = "mcu"\n', encoding="utf-8")
    command = [*TONGZHAN, "station", "lids", "--config"]
    with subprocess.Popen([*command, os.fspath(site.config)], stderr=subprocess.PIPE, text=True) as keeper:
        assert keeper.stderr is not None
        assert any("keeping 0 lids" in line for line in keeper.stderr)
        assert (site.runtime / SOCKET).exists()
        keeper.terminate()
        assert keeper.wait(WITHIN_S) == 0


@pytest.mark.skipif(Path("/dev/gpiochip0").exists(), reason="this machine has pins")
@pytest.mark.parametrize("more", [[], ["--release"]])
def test_a_machine_without_pins_is_an_error_in_one_line(site: Site, more: list[str]) -> None:
    command = [*TONGZHAN, "station", "lids", *more]
    done = subprocess.run(
        [*command, "--config", os.fspath(site.config)],
        capture_output=True,
        text=True,
        timeout=COMMAND_WITHIN_S,
        check=False,
    )
    assert done.returncode == 2
    assert done.stderr.startswith("error: ")
    assert done.stderr.count("\n") == 1


def test_the_keeper_imports_nothing_large() -> None:
    script = (
        "import sys\n"
        "import edge.lids.process, cloud_sync.service.systemd, scripts.commands.station\n"
        "large = {'cv2', 'numpy', 'onnxruntime', 'paho', 'serial', 'cryptography'}\n"
        "print(*large & set(sys.modules))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=COMMAND_WITHIN_S, check=True
    )
    assert done.stdout == "\n"


def test_pins_left_high_by_a_killed_keeper_are_made_low_by_the_release(site: Site) -> None:
    levels = Levels(site.pins)
    levels.set_output(WIRES.open_pin, high=True)
    levels.set_output(5, high=True)
    site.release()
    assert not levels.output(WIRES.open_pin)
    assert levels.output(5), "it is no motor's"


def test_a_second_station_reads_that_the_lids_are_taken(kept: Kept, link: KeeperLink) -> None:
    del link
    with call(kept) as other:
        until(lambda: Taken() in heard(other))


# --- an emergency ---------------------------------------------------------------------------------


def test_a_stop_turns_the_motor_off_where_the_lid_stands_and_nothing_moves_it_until_the_reset(
    kept: Kept, link: KeeperLink, posted: Posted
) -> None:
    link.lids["kitchen"].open(60)
    until(lambda: posted.names()[-1] == "LidOpened")
    link.lids["kitchen"].end_lease()
    until(lambda: motor(kept.board) == (False, True), "it is on its way shut")
    link.stop_motors()
    until(lambda: motor(kept.board) == (False, False), "the motor is off")
    kept.board.outputs.clear()
    link.lids["kitchen"].open(60)
    link.lids["kitchen"].end_lease()
    opened = posted.names().count("LidOpened")
    link.resume_motors()
    link.lids["kitchen"].open(60)
    until(lambda: posted.names().count("LidOpened") > opened, "it opens for who asks after the reset")
    assert (27, True) not in kept.board.outputs, "it was not driven shut"
    link.lids["kitchen"].end_lease()
    until(lambda: posted.names()[-1] == "LidClosed")


def test_a_keeper_that_was_stopped_says_so_to_the_next_station(kept: Kept, link: KeeperLink) -> None:
    link.stop_motors()
    link.stop()
    again = Posted()
    other = KeeperLink([kept.folder], ["kitchen"], RealClock(), again)
    other.start()
    # Sent away while the first link is being closed, it comes again.
    until(lambda: (FaultCode.EMERGENCY_STOP, STATION) in raised(again))
    other.stop()


def test_a_keeper_that_starts_in_an_emergency_drives_nothing_even_when_asked(
    site: Site, posted: Posted
) -> None:
    EmergencyLatch.of(site.settings).keep(is_set=True)
    kept = Kept(site.settings)
    thread = threading.Thread(target=kept.keep)
    thread.start()
    assert kept.readiness.came.wait(WITHIN_S)  # its lid stands neither open nor shut, and its way is free
    kept.board.contact(24, closed=True)
    link = KeeperLink([kept.folder], ["kitchen"], RealClock(), posted)
    link.stop_motors()
    link.start()
    link.lids["kitchen"].open(60)
    settled = RealClock().now() + 2.5  # when a lid that was found open is shut otherwise
    until(lambda: RealClock().now() > settled)
    link.stop()
    kept.stops[0]()
    thread.join(WITHIN_S)
    assert not [pin for pin, high in kept.board.outputs if high]


def test_a_runtime_folder_that_cannot_be_written_moves_the_socket_into_the_state_folder(
    site: Site, posted: Posted, caplog: pytest.LogCaptureFixture
) -> None:
    Path(site.settings.station.state_dir).mkdir()
    site.runtime.write_bytes(b"")  # a file in the folder's place: not even root can write there
    kept = Kept(site.settings)
    thread = threading.Thread(target=kept.keep)
    thread.start()
    assert kept.readiness.came.wait(WITHIN_S)
    link = KeeperLink(socket_folders(site.settings), ["kitchen"], RealClock(), posted)
    link.start()
    until(lambda: "FaultCleared" in posted.names(), "the keeper answers")
    link.stop()
    kept.stops[0]()
    thread.join(WITHIN_S)
    assert not thread.is_alive()
    assert "cannot be used for the lids' socket" in caplog.text
