"""Services tell systemd that they are ready, and that they turn; one that hangs says nothing more."""

from __future__ import annotations

import signal
import threading
import time
from pathlib import Path

import pytest

from cloud_sync.service.systemd import Notifier, WatchedStop, notifier_of
from edge.loop.clocks import RealClock
from edge.loop.watchdog import WatchedInbox
from edge.loop.workers import ThreadWorkers
from tests.edge.builders import bin_rule, rules_of
from tests.edge.workbench import Bench
from tests.station.conftest import Site
from tests.station.manager import Manager
from tests.waiting import COMMAND_WITHIN_S, WITHIN_S, until

LIMIT_S = 1.0


@pytest.mark.parametrize("command", ["run", "lids", "sync"])
def test_a_service_says_when_it_is_ready_that_it_turns_and_that_it_ends(
    site: Site, tmp_path: Path, command: str
) -> None:
    site.init()
    with Manager(tmp_path, LIMIT_S) as manager, site.start(command, env=manager.env) as process:
        until(lambda: manager.listen().count("WATCHDOG=1") >= 4, "it turns", COMMAND_WITHIN_S)
        assert manager.heard.count("READY=1") == 1
        process.send_signal(signal.SIGTERM)
        assert process.wait(WITHIN_S) == 0


def test_a_station_whose_loop_hangs_does_not_pet_the_watchdog_until_it_turns_again(tmp_path: Path) -> None:
    let_go, hangs = threading.Event(), threading.Event()

    def hang(*_: object) -> None:
        hangs.set()
        let_go.wait(WITHIN_S)

    with Manager(tmp_path, LIMIT_S) as manager:
        notifier = notifier_of(manager.env)
        inbox = WatchedInbox(notifier)
        rules = rules_of(bin_rule("kitchen"))
        bench = Bench(tmp_path, rules, clock=RealClock(), workers=ThreadWorkers, inbox=inbox)
        bench.lids["kitchen"].moved = hang
        loop = threading.Thread(target=bench.station.run)
        loop.start()
        until(lambda: manager.listen().count("WATCHDOG=1") >= 3, "it turns")
        bench.tap()
        until(hangs.is_set)
        petted = len(manager.listen())
        hung_at = time.monotonic()
        until(lambda: time.monotonic() > hung_at + 2 * LIMIT_S, "it hangs")
        assert len(manager.listen()) == petted
        let_go.set()
        until(lambda: len(manager.listen()) > petted, "it turns again")
        bench.station.stop()
        loop.join(WITHIN_S)
        bench.workers.stop()
        bench.close()
        notifier.close()


def test_a_loop_that_waits_longer_than_the_watchdogs_patience_pets_it_meanwhile(tmp_path: Path) -> None:
    with Manager(tmp_path, 0.1) as manager:
        notifier = notifier_of(manager.env)
        stopping = WatchedStop(notifier)
        assert not stopping.wait(0.3)
        waiting = threading.Thread(target=stopping.wait)
        waiting.start()
        until(lambda: manager.listen().count("WATCHDOG=1") >= 4, "it pets while it waits")
        stopping.set()
        waiting.join(WITHIN_S)
        assert not waiting.is_alive()
        assert stopping.wait(0)
        notifier.close()


def test_a_loop_that_asks_whether_to_stop_pets_the_watchdog(tmp_path: Path) -> None:
    with Manager(tmp_path, 100.0) as manager:
        notifier = notifier_of(manager.env)
        stopping = WatchedStop(notifier)
        assert not stopping.is_set()
        assert manager.listen() == ["WATCHDOG=1"]
        stopping.is_set()
        assert manager.listen() == ["WATCHDOG=1"], "seldom enough to cost nothing"
        stopping.set()
        assert stopping.is_set()
        notifier.close()


def test_without_a_manager_nothing_is_said_and_nothing_waits_for_a_watchdog() -> None:
    notifier = notifier_of({})
    for say in (notifier.ready, notifier.pet, notifier.stopping, notifier.close):
        say()
    assert notifier.pet_s == float("inf")
    inbox = WatchedInbox(notifier)
    assert inbox.take(0) is None
    assert WatchedInbox(Notifier(limit_s=0.04)).take(None) is None, "it comes back to pet"


@pytest.mark.parametrize(
    ("variables", "pet_s"),
    [
        ({"WATCHDOG_USEC": "8000000"}, 2.0),
        ({"WATCHDOG_USEC": "8000000", "WATCHDOG_PID": "77"}, 2.0),
        ({"WATCHDOG_USEC": "8000000", "WATCHDOG_PID": "78"}, float("inf")),
        ({"WATCHDOG_USEC": "soon"}, float("inf")),
        ({"WATCHDOG_USEC": "0"}, float("inf")),
    ],
)
def test_a_watchdog_is_petted_four_times_within_its_patience_if_it_is_meant(
    variables: dict[str, str], pet_s: float
) -> None:
    assert notifier_of(variables, pid=77).pet_s == pet_s


def test_a_manager_that_is_gone_costs_a_line_in_the_log(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    notifier = Notifier(str(tmp_path / "nowhere"))
    notifier.ready()
    assert "cannot be told READY=1" in caplog.text
    notifier.close()
