"""The end of a station's run: visits under way wind down, and none is lost without a record. Pure."""

from __future__ import annotations

from dataclasses import replace

from edge.messages import StopRequested
from edge.visit import deposits, openings
from edge.visit.state import Visit
from edge.visit.step_context import StepContext


def stop_requested(context: StepContext, event: StopRequested) -> None:
    """Shut what stands open and wait for no more taps; when the time is up, end each visit as it stands.

    May be repeated: what is on its way is left alone.
    """
    context.each_visit(_cut_short if event.is_final else _wind_down)


def _wind_down(context: StepContext, visit: Visit) -> None:
    """End a visit's leases: its lids shut, and then it is recorded like any other."""
    openings.shut_all(context, visit)
    now = context.state.visit(visit.id)
    if now is not None and now.idle_until > context.at:
        context.put_visit(replace(now, idle_until=context.at))


def _cut_short(context: StepContext, visit: Visit) -> None:
    """Record a visit with what is known: lids that did not shut, deposits that nothing named are unseen."""
    if visit.recording_until is not None:
        return
    openings.end_all(context, visit)
    now = context.state.visit(visit.id)
    if now is not None:
        context.put_visit(deposits.leave_unseen(context, replace(now, idle_until=context.at)))
