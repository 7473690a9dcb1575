"""The report of a soak, as JSON or in words."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """One soak. `faults` counts faults by kind, `restarts` processes that ended by themselves, by name."""

    ok: bool
    engine: str
    seed: int
    kills: int
    seconds: float
    faults: Mapping[str, int]
    restarts: Mapping[str, int]
    awards_of: Mapping[str, int]
    """On each station's journals."""
    told: int
    """Records that the stations' witnesses reported as written."""
    told_of: Mapping[str, int]
    """By station."""
    outcomes: Mapping[str, int]
    """Things thrown in, counted by expected outcome."""
    events: int
    awards: int
    provisional: int
    settled: int
    held: int
    lowered: int
    gone_with_card: int
    gone_points: int
    """The points of records lost with a card."""
    lost: int
    twice: int
    problems: tuple[str, ...]
    verify: Mapping[str, object]
    """The output of `tongzhan ledger verify --json`."""
    beyond_lease_s: float
    timeline: tuple[str, ...]
    replay: str
    """Repeats the same faults at the same times; what each process does then may differ."""


def summary(report: Report) -> str:
    """Format the report for a person, without the timeline."""
    judged = f"{report.settled} settled, {report.held} held, {report.lowered} lowered"
    faults = ", ".join(f"{count} {kind.replace('_', ' ')}" for kind, count in sorted(report.faults.items()))
    gone = f"{report.gone_with_card} ({report.gone_points} points)"
    seen = ", ".join(f"{count} {outcome}" for outcome, count in sorted(report.outcomes.items())) or "nothing"
    ended = ", ".join(f"{name} {count}" for name, count in sorted(report.restarts.items())) or "none"
    return "\n".join(
        [
            f"{report.kills} kills on {report.engine}, seed {report.seed}, {report.seconds:.0f} s: {faults}",
            f"ended by themselves and started again: {ended}",
            f"{report.events} events, {report.awards} awards, {report.provisional} points: {judged}",
            f"{seen} thrown in",
            f"{report.lost} lost, {report.twice} twice, {gone} gone with their cards",
            *(f"WRONG: {problem}" for problem in report.problems),
            f"replay: {report.replay} (the same faults at the same moments; processes keep their own time)",
            "every award settled once" if report.ok else "this is a defect: --keep DIR keeps what is there",
        ]
    )
