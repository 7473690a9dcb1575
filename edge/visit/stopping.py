"""The stop of a station: visits in progress wind down, and each one is recorded. Pure."""

from __future__ import annotations

from dataclasses import replace

from edge.messages import StopRequested
from edge.visit import deposits, openings
from edge.visit.state import Visit
from edge.visit.step_context import StepContext


def stop_requested(context: StepContext, event: StopRequested) -> None:
    """Shut open lids and wait for no more taps; if the event is final, end each visit as it is.

    May be repeated: it does not disturb lids that shut already.
    """
    context.each_visit(_cut_short if event.is_final else _wind_down)


def _wind_down(context: StepContext, visit: Visit) -> None:
    """End a visit's leases; it is recorded like any other once its lids are shut."""
    openings.shut_all(context, visit)
    now = context.state.visit(visit.id)
    if now is not None and now.idle_until > context.at:
        context.put_visit(replace(now, idle_until=context.at))


def _cut_short(context: StepContext, visit: Visit) -> None:
    """Record a visit as far as it is known: lids may not be shut, and unjudged deposits are unseen."""
    if visit.recording_until is not None:
        return
    openings.end_all(context, visit)
    now = context.state.visit(visit.id)
    if now is not None:
        context.put_visit(deposits.leave_unseen(context, replace(now, idle_until=context.at)))
