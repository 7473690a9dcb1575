"""Dating a visit whose station has no trusted time."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from cloud_sync.ledger.settling.timing import FURTHEST_BACK, Moment, StampedEvent, moments
from cloud_sync.ledger.stations.spans import AHEAD
from cloud_sync.wire.facts import Stamp

NOW = datetime(2026, 11, 20, 4, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def written(
    sequence: int, at: datetime | None, *, boot: str = "b1", monotonic_s: float = 0.0, epoch: str = "aa"
) -> StampedEvent:
    """Return an event whose clock said `at`, or could not be trusted."""
    wall_s = 5.0 if at is None else at.timestamp()
    return StampedEvent(
        epoch, sequence, Stamp(wall_s, trusted=at is not None, boot=boot, monotonic_s=monotonic_s)
    )


def exactly(at: datetime) -> Moment:
    return Moment(at, at, "stated")


def test_a_trusted_time_is_taken_as_it_is() -> None:
    assert moments([written(1, NOW - MINUTE)], NOW) == [exactly(NOW - MINUTE)]


def test_an_untrusted_time_is_mended_by_a_later_trusted_one_of_the_same_boot() -> None:
    batch = [written(1, None, monotonic_s=100.0), written(2, NOW, monotonic_s=700.0)]
    at = NOW - 10 * MINUTE
    assert moments(batch, NOW)[0] == Moment(at, at, "mended")


def test_a_later_trusted_stamp_mends_before_an_earlier_one() -> None:
    batch = [
        written(1, NOW - 60 * MINUTE, monotonic_s=0.0),
        written(2, None, monotonic_s=60.0),
        written(3, NOW, monotonic_s=120.0),
    ]
    assert moments(batch, NOW)[1].latest == NOW - MINUTE


def test_a_stamp_of_another_boot_bounds_but_does_not_mend() -> None:
    batch = [
        written(1, NOW - 60 * MINUTE, boot="b1", monotonic_s=5000.0),
        written(2, None, boot="b2", monotonic_s=1.0),
        written(3, NOW - 20 * MINUTE, boot="b3", monotonic_s=1.0),
    ]
    assert moments(batch, NOW)[1] == Moment(NOW - 60 * MINUTE, NOW - 20 * MINUTE, "bounded")


def test_events_of_another_epoch_are_not_neighbours() -> None:
    batch = [written(1, NOW - 60 * MINUTE, epoch="bb", boot="b0"), written(2, None)]
    assert moments(batch, NOW)[1] == Moment(NOW, NOW, "bounded")


def test_stored_visits_of_the_journal_bound_the_time_too() -> None:
    before = {"aa": NOW - 5 * MINUTE}
    assert moments([written(2, None)], NOW, before) == [Moment(NOW - 5 * MINUTE, NOW, "bounded")]


def test_without_neighbours_a_visit_is_dated_at_its_receipt() -> None:
    assert moments([written(1, None)], NOW) == [Moment(NOW, NOW, "bounded")]


def test_a_clock_ahead_of_the_ledgers_is_not_believed() -> None:
    assert moments([written(1, NOW + AHEAD)], NOW) == [exactly(NOW + AHEAD)]
    assert moments([written(1, NOW + AHEAD + MINUTE)], NOW) == [Moment(NOW, NOW, "bounded")]


def test_an_unknown_time_reaches_at_most_a_week_back() -> None:
    before = {"aa": NOW - timedelta(days=300)}
    assert moments([written(2, None)], NOW, before)[0].earliest == NOW - FURTHEST_BACK


@given(
    st.lists(
        st.tuples(
            st.none() | st.floats(-1e6, 1e6),
            st.sampled_from(["b1", "b2"]),
            st.floats(0, 1e6),
            st.sampled_from(["aa", "bb"]),
        ),
        max_size=12,
    )
)
def test_with_any_stamps_every_visit_has_a_moment_and_none_is_after_its_receipt(
    stamps: list[tuple[float | None, str, float, str]],
) -> None:
    batch = [
        written(
            number,
            None if off is None else NOW + timedelta(seconds=off),
            boot=boot,
            monotonic_s=monotonic_s,
            epoch=epoch,
        )
        for number, (off, boot, monotonic_s, epoch) in enumerate(stamps, 1)
    ]
    found = moments(batch, NOW)
    assert len(found) == len(batch)
    assert all(moment.earliest <= moment.latest <= NOW + AHEAD for moment in found)
