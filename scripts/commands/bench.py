"""`tongzhan bench`: the table of benchmarks in `scripts/bench/`, each imported only when it is called."""

from __future__ import annotations

import click

from scripts.bench.machine import now
from scripts.lazy import Entry, LazyGroup

BENCHES: dict[str, Entry] = {
    "classify": Entry(
        "scripts.bench.classify.run", "classify", "From a photo's file to its verdict.", "station"
    ),
    "down": Entry("scripts.bench.down.run", "down", "From a click to a refused tap.", "demo"),
    "flood": Entry(
        "scripts.bench.ledger.flood", "flood", "What others wait beside one community's backlog.", "demo"
    ),
    "fleet": Entry("scripts.bench.fleet.run", "fleet", "From record to receipt, many stations.", "demo"),
    "ledger": Entry("scripts.bench.ledger.run", "ledger", "Events settled per second.", "demo"),
    "outbox": Entry("scripts.bench.outbox", "outbox", "Durable records per second.", "station"),
    "start": Entry("scripts.bench.start.run", "start", "A station's start, and its needs at rest.", "demo"),
    "sync": Entry("scripts.bench.sync", "sync", "From outbox to receipt, events per second.", "demo"),
    "tap": Entry("scripts.bench.tap.run", "tap", "From a card's last byte to the lid's pin.", "demo"),
}


@click.group(cls=LazyGroup, table=BENCHES)
@click.pass_context
def bench(context: click.Context) -> None:
    """Measure one part against its physical limit and its peers, in one run.

    Machines differ and are shared, so each figure is a ratio to what the same machine did in the same run,
    and each result states how much processor time others used meanwhile.
    """
    context.obj = now()
