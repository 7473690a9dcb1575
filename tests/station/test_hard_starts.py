"""A station that starts or stops under bad conditions serves residents, and loses no visit silently."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from edge.journal.schema import JOURNAL_FILE
from edge.sync.keys import CARD_KEY, STATION_KEY
from tests.station.conftest import Site
from tests.waiting import COMMAND_WITHIN_S, until


@contextmanager
def running(site: Site) -> Iterator[subprocess.Popen[bytes]]:
    with site.start("lids"), site.start("run") as station:
        yield station


def state(site: Site) -> Path:
    return Path(site.settings.station.state_dir)


def ends(station: subprocess.Popen[bytes]) -> None:
    """SIGTERM ends it with status 0, within what its unit allows."""
    station.send_signal(signal.SIGTERM)
    assert station.wait(COMMAND_WITHIN_S) == 0


def serves(site: Site) -> None:
    site.hold_card()
    until(lambda: site.plant.place >= 1, "the lid is open", COMMAND_WITHIN_S)


def test_a_pipe_in_the_journals_place_keeps_no_lid_shut_and_no_stop_waiting(site: Site) -> None:
    site.init()
    os.mkfifo(state(site) / JOURNAL_FILE)
    with running(site) as station:
        serves(site)
        until(lambda: site.faults() == {"journal_misplaced"}, "the panel says why", COMMAND_WITHIN_S)
        (state(site) / JOURNAL_FILE).unlink()
        until(lambda: not site.faults(), "a new journal is made", COMMAND_WITHIN_S)
        until(
            lambda: (state(site) / JOURNAL_FILE).is_file() and site.visits(), "it is kept", COMMAND_WITHIN_S
        )
        ends(station)


def test_a_runtime_folder_that_cannot_be_written_keeps_no_lid_shut(site: Site) -> None:
    site.init()
    site.runtime.write_bytes(b"")  # a file in the folder's place: not even root can write there
    with running(site) as station:
        serves(site)
        ends(station)


def test_without_the_card_key_lids_open_and_nobody_is_recognised_until_it_is_restored(site: Site) -> None:
    site.init()
    key = (state(site) / CARD_KEY).read_bytes()
    (state(site) / CARD_KEY).unlink()
    os.mkfifo(state(site) / CARD_KEY)
    with running(site) as station:
        serves(site)
        until(lambda: site.faults() == {"card_key_unreadable"}, "the panel says so", COMMAND_WITHIN_S)
        until(site.visits, "the visit is kept", COMMAND_WITHIN_S)
        ends(station)
    (state(site) / CARD_KEY).unlink()
    (state(site) / CARD_KEY).touch(0o600)
    (state(site) / CARD_KEY).write_bytes(key)
    with running(site):
        serves(site)
        until(lambda: len(site.visits()) > 1, "the next visit is kept", COMMAND_WITHIN_S)
        assert site.faults() == set()
    assert len({visit.card for visit in site.visits()}) == 2, "the stand-in is another card to everybody"


@pytest.mark.parametrize("content", [b"", b"no key"])
def test_without_the_signing_key_the_station_runs_and_says_that_nothing_is_sent_until_it_is_restored(
    site: Site, content: bytes
) -> None:
    site.init()
    key = (state(site) / STATION_KEY).read_bytes()
    (state(site) / STATION_KEY).write_bytes(content)
    with running(site) as station:
        serves(site)
        until(lambda: site.faults() == {"sync_keys_unreadable"}, "the panel says so", COMMAND_WITHIN_S)
        ends(station)
    (state(site) / STATION_KEY).write_bytes(key)
    with running(site):
        serves(site)
        assert site.faults() == set()


def test_a_stop_while_a_lid_stands_open_shuts_it_and_keeps_the_visit(site: Site) -> None:
    site.init()
    with running(site) as station:
        serves(site)
        ends(station)
        (visit,) = site.visits()
        assert len(visit.openings) == 1
        until(lambda: site.plant.place <= 0, "the lid is shut", COMMAND_WITHIN_S)


def test_a_stop_while_something_holds_the_lid_open_keeps_the_visit_all_the_same(site: Site) -> None:
    site.init()
    with running(site) as station:
        serves(site)
        site.plant.obstructed = True
        ends(station)
        (visit,) = site.visits()
        assert visit.openings[0].closed_s is None, "nobody saw it shut"
        site.plant.obstructed = False
