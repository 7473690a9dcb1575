"""`tongzhan station sync`: the process that delivers the journal to the ledger."""

from __future__ import annotations

import random
from functools import partial
from pathlib import Path

import click

from cloud_sync.service.systemd import WatchedStop, notifier_of
from edge.loop.clocks import RealClock
from edge.station_file import load_station
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
    settings = load_station(config)
    state_dir = Path(settings.station.state_dir)
    sender = StationIdentity(settings.station.community, settings.station.name, load_keys(state_dir))
    outbox = Outbox(state_dir)
    clock, notifier = RealClock(), notifier_of()
    fixed = fixed_facts(next_start(state_dir, clock.wall().unix_s), settings.model)
    report = SelfReport(clock, fixed, partial(live_readings, Path(settings.station.runtime_dir), clock))
    link = link_for(settings, report)
    stopping = WatchedStop(notifier)
    on_stop(stopping.set)
    link.start()
    notifier.ready()
    try:
        Sync(sender, outbox, link, clock, random.SystemRandom(), report).run(stopping)
    finally:
        link.stop()
        outbox.close()
