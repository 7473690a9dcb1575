"""`tongzhan station sync`: the process that delivers the journal to the ledger."""

from __future__ import annotations

import random
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import click

from cloud_sync.service.systemd import Notifier, WatchedStop, notifier_of
from cloud_sync.transport.mailbox import Mailbox
from cloud_sync.wire import topics
from config.process.threads import thread
from edge.downlink.process import Downlink, downlink_for
from edge.enrol.watching import EnrolmentWatch, complete_enrolment
from edge.ledger_api.client import WHOLE_S
from edge.loop.clocks import RealClock, boot_id, uptime_s
from edge.station_file import load_station, state_dir_of
from edge.sync.commands import CommandPost
from edge.sync.keys import StationIdentity, load_keys
from edge.sync.live_readings import live_readings
from edge.sync.outbox import Outbox
from edge.sync.process import Sync, link_for
from edge.sync.self_report import SelfReport, fixed_facts
from edge.sync.starts import next_start
from scripts.commands.station.options import config_option, on_stop


@click.command()
@config_option
def sync(config: Path) -> None:
    """Deliver the journal to the ledger until SIGTERM."""
    notifier = notifier_of()
    stopping = WatchedStop(notifier)
    on_stop(stopping.set)
    while not stopping.is_set():
        _deliver(config, stopping, notifier)


def _deliver(config: Path, stopping: WatchedStop, notifier: Notifier) -> None:
    """Deliver as the station that the files describe now, until stopped or until it enrols again."""
    state_dir = state_dir_of(config)
    complete_enrolment(state_dir)
    changed = EnrolmentWatch(state_dir, stopping)
    settings = load_station(config)
    sender = StationIdentity(settings.station.community, settings.station.name, load_keys(state_dir))
    outbox = Outbox(state_dir)
    clock = RealClock()
    fixed = fixed_facts(next_start(state_dir, clock.wall().unix_s), settings.model)
    downlink = downlink_for(settings, sender, clock, boot_id(), random.SystemRandom())
    live = partial(live_readings, Path(settings.station.runtime_dir), clock)
    report = SelfReport(clock, fixed, live, downlink.roster if downlink else lambda: None)
    mailbox = Mailbox(topics.commands(sender.community, sender.station))
    link = link_for(settings, report, [mailbox, downlink.notices] if downlink else [mailbox])
    folder = Path(settings.station.runtime_dir)
    post = CommandPost(sender, link, mailbox, folder, clock, uptime=uptime_s, leave=stopping.set)
    link.start()
    post.start()
    notifier.ready()
    faults = (lambda: downlink.faults) if downlink else frozenset
    try:
        with _fetching(downlink, stopping):
            Sync(sender, outbox, link, clock, random.SystemRandom(), report, faults=faults).run(changed)
    finally:
        post.stop()
        link.stop()
        outbox.close()


@contextmanager
def _fetching(downlink: Downlink | None, stopping: WatchedStop) -> Iterator[None]:
    """Run the downlink on a thread of its own; it has ended before another station's may begin.

    It gets an event of its own: looking at `stopping` tells systemd that the delivery runs.
    """
    if downlink is None:
        yield
        return
    ended = threading.Event()
    fetcher = thread(partial(downlink.run, ended), "downlink")
    fetcher.start()
    try:
        yield
    finally:
        ended.set()
        if not stopping.is_set():
            fetcher.join(2 * WHOLE_S)
