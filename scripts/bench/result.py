"""What every benchmark prints: one record as JSON, or the same as a table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import click
import msgspec


class Result(msgspec.Struct, frozen=True, kw_only=True):
    """What one benchmark measured, everything in one run.

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
    """Print the record, as one line of JSON or as a table a person reads."""
    if as_json:
        click.echo(msgspec.json.encode(result))
        return
    click.echo(table(result))


def table(result: Result) -> str:
    """Lay the record out in two columns."""
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
    """Give the smallest of the values that `share` of them do not exceed; the values need not be sorted."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, max(0, -int(-share * len(ordered) // 1) - 1))]


def _text(value: float | str) -> str:
    return f"{value:,.4g}" if isinstance(value, float) else str(value)
