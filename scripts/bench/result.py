"""The output of every benchmark: one record as JSON, or the same as a table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import click
import msgspec

from scripts.bench import machine


class Result(msgspec.Struct, frozen=True, kw_only=True):
    """The figures of one benchmark, all from one run.

    `ratio` is ours to the limit, so that 1.0 is as good as it can get and a mark reads "at least":
    ours / limit where more is better, limit / ours where less is. `peers` are others' figures in the same
    unit. `details` holds what else was measured, named by what it is and its unit (`p99_ms`).
    """

    name: str
    ours: float
    limit: float
    ratio: float
    peers: Mapping[str, float]
    unit: str
    details: Mapping[str, float | int | str | bool] = {}


def show(result: Result, *, as_json: bool) -> None:
    """Print the record as one line of JSON or as a table, and how busy the machine was."""
    load = _load()
    if load is not None:
        result = with_load(result, load)
    if as_json:
        click.echo(msgspec.json.encode(result))
        return
    click.echo(table(result))
    if load is not None and load.is_busy:
        click.echo(busy_note(load))


def with_load(result: Result, load: machine.CpuShares) -> Result:
    """Return the record with the machine's load among its details."""
    meanwhile = {
        "others_cpu_share": round(load.others, 3),
        "stolen_cpu_share": round(load.stolen, 3),
        "busy_machine": load.is_busy,
    }
    return msgspec.structs.replace(result, details={**result.details, **meanwhile})


def busy_note(load: machine.CpuShares) -> str:
    """Return a line that says that the machine was busy."""
    taken = f"others took {load.others:.0%} of its processors, its host {load.stolen:.0%}"
    return f"  The machine was busy: {taken}. Times and rates are worse than it can do; ratios hold better."


def _load() -> machine.CpuShares | None:
    """Return the machine's load since the benchmark began; None if its begin was not noted."""
    context = click.get_current_context(silent=True)
    before = context.find_object(machine.CpuTimes) if context is not None else None
    return machine.between(before, machine.now()) if before is not None else None


def table(result: Result) -> str:
    """Format the record in two columns."""
    rows: list[tuple[str, str]] = [
        ("ours", f"{result.ours:,.4g} {result.unit}"),
        ("limit", f"{result.limit:,.4g} {result.unit}"),
        ("ratio", f"{result.ratio:.3f}"),
        *((f"peer {name}", f"{value:,.4g} {result.unit}") for name, value in result.peers.items()),
        *((name.replace("_", " "), _text(value)) for name, value in result.details.items()),
    ]
    width = max(len(name) for name, _ in rows)
    return "\n".join([result.name, *(f"  {name:<{width}}  {value}" for name, value in rows)])


def percentile(values: Sequence[float], share: float) -> float:
    """Return the smallest value that `share` of the values do not exceed; they need not be sorted."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, max(0, -int(-share * len(ordered) // 1) - 1))]


def _text(value: float | str) -> str:
    return f"{value:,.4g}" if isinstance(value, float) else str(value)
