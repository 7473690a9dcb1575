"""What was thrown in by weight: named cases, and any story that hypothesis tells."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from edge.hardware.weight.weighing import ALIKE, Weighing, WeighingRules, lid_opened, lid_shut, weigh

RULES = WeighingRules(least_g=20)
LOOK_S = 0.25
REST_S = 1.5
"""Longer than a reading needs to come to rest."""


@dataclass
class Bin:
    """One bin on its scale; grams are what truly lies and leans there."""

    grams: float = 4000.0
    now: float = 0.0
    weighing: Weighing = field(default_factory=Weighing)
    stirred: int = 0

    def rest(self, seconds: float = REST_S, noise: Sequence[float] = (0.0,), drift_g_s: float = 0.0) -> None:
        """Let time pass, with a reading at each look."""
        for number in range(round(seconds / LOOK_S)):
            self.now += LOOK_S
            self.grams += drift_g_s * LOOK_S
            self._read(self.grams + noise[number % len(noise)])

    def bounce(self, *readings: float) -> None:
        """Let the scale read these, one after another, each too short to rest."""
        for grams in readings:
            self.now += LOOK_S
            self._read(self.grams + grams)

    def add(self, grams: float) -> None:
        self.grams += grams
        self.rest()

    def open(self) -> None:
        self.weighing = lid_opened(self.weighing, RULES)

    def shut(self) -> list[int]:
        self.weighing, deposits = lid_shut(self.weighing, RULES)
        return list(deposits)

    def _read(self, grams: float) -> None:
        self.weighing, is_new = weigh(self.weighing, grams, self.now, RULES)
        self.stirred += is_new


@pytest.fixture
def one() -> Bin:
    """A bin at rest."""
    one = Bin()
    one.rest()
    return one


CASES: dict[str, tuple[Sequence[float], list[int]]] = {
    "nothing": ((), []),
    "a bag": ((310,), [310]),
    "three bags": ((310, 45, 1200), [310, 45, 1200]),
    "too light": ((19,), []),
    "just heavy enough": ((20,), [20]),
    "somebody leaned on it": ((8000, -8000), []),
    "leaned, and less sharply let go": ((8000, -500, -7500), []),
    "threw while leaning": ((8000, 310, -8000), [310]),
    "threw, then leaned": ((310, 8000, -8000), [310]),
    "leaned twice": ((6000, -6000, 9000, -9000, 55), [55]),
    "took it out again": ((310, -310), []),
    "took half out again": ((310, -150), [160]),
    "took out what was there": ((-700,), []),
    "took out and put back": ((-700, 700), []),
    "lifted the rim, then threw": ((-2000, 2000, 310), [310]),
    "took out, put back and threw": ((-700, 1010), [310]),
    "leans still when the lid shuts": ((310, 8000), [310, 8000]),
}


@pytest.mark.parametrize(("changes", "deposits"), CASES.values(), ids=CASES)
def test_what_is_left_when_the_lid_shuts_was_thrown_in(
    one: Bin, changes: Sequence[float], deposits: list[int]
) -> None:
    one.open()
    for grams in changes:
        one.add(grams)
    assert one.shut() == deposits


def test_a_bounce_is_no_deposit_of_its_own(one: Bin) -> None:
    one.open()
    one.bounce(900, 80, 520, 260, 330)
    one.add(310)
    assert one.shut() == [310]
    assert one.stirred == 1


def test_what_still_rolls_as_the_lid_shuts_counts_with_its_last_reading(one: Bin) -> None:
    one.open()
    one.bounce(500, 290)
    assert one.shut() == [290]


def test_a_shut_lid_takes_nothing_for_a_deposit(one: Bin) -> None:
    one.add(500)
    assert one.shut() == []
    assert one.stirred == 0


def test_an_open_lid_that_says_so_again_changes_nothing(one: Bin) -> None:
    one.open()
    one.add(310)
    one.open()
    one.add(45)
    assert one.shut() == [310, 45]


def test_each_opening_begins_anew(one: Bin) -> None:
    for grams in (310, 45):
        one.open()
        one.add(grams)
        assert one.shut() == [grams]
        one.rest()


def test_a_drift_of_temperature_is_followed_and_adds_nothing(one: Bin) -> None:
    one.rest(7200, drift_g_s=0.05)  # 180 g an hour, more than any cell
    one.open()
    one.add(45)
    assert one.shut() == [pytest.approx(45, abs=5)]


def test_an_emptied_bin_is_the_new_tare_at_once(one: Bin) -> None:
    one.add(20_000)
    one.rest(60)
    one.add(-20_000)
    one.open()
    one.add(310)
    assert one.shut() == [310]


def test_a_fresh_sack_is_the_new_tare_after_a_while(one: Bin) -> None:
    one.add(150)
    one.rest(60)
    assert one.weighing.level == pytest.approx(4150)


def test_somebody_who_leaned_on_it_before_the_lid_opened_has_thrown_nothing_in(one: Bin) -> None:
    one.add(7000)
    one.open()
    one.add(310)
    one.add(-7000)
    assert one.shut() == [310]


def test_somebody_who_leans_through_the_whole_opening_has_thrown_nothing_in(
    one: Bin,
) -> None:
    one.add(8000)
    one.open()
    one.add(310)
    assert one.shut() == [310]


def test_without_a_reading_nothing_was_thrown_in() -> None:
    blank = Bin()
    blank.open()
    assert blank.shut() == []


# --- any story ----------------------------------------------------------------------------------

THINGS = st.integers(min_value=60, max_value=20_000)
ACTS = st.lists(
    st.one_of(st.tuples(st.just("throw"), THINGS), st.tuples(st.just("lean"), THINGS)), max_size=6
)
NOISE = st.lists(st.floats(min_value=-2, max_value=2), min_size=1, max_size=7)


def _changes(acts: Sequence[tuple[str, int]], lets_go: Sequence[int]) -> Iterator[int]:
    """Throws and leans in order; who leans lets go after so many further acts."""
    leaning: list[tuple[int, int]] = []
    for number, (what, grams) in enumerate(acts):
        yield grams
        if what == "lean":
            leaning.append((number + lets_go[number], grams))
        for until, weight in [one for one in leaning if one[0] <= number]:
            yield -weight
            leaning.remove((until, weight))
    for _, weight in leaning:
        yield -weight


@given(ACTS, st.lists(st.integers(0, 3), min_size=6, max_size=6), NOISE, st.floats(-0.05, 0.05))
def test_whoever_throws_and_leans_as_they_like_is_given_what_was_thrown(
    acts: list[tuple[str, int]], lets_go: list[int], noise: list[float], drift_g_s: float
) -> None:
    one = Bin()
    one.rest(60, noise, drift_g_s)
    one.open()
    for grams in _changes(acts, lets_go):
        one.grams += grams
        one.rest(REST_S, noise)
    deposits = one.shut()
    thrown = [grams for what, grams in acts if what == "throw"]
    leaned = [grams for what, grams in acts if what == "lean"]
    assert len(deposits) == len(thrown)
    # A thing that weighs what a person leaned with may be taken for that, within a tenth.
    slack_g = 10 * (len(acts) + 1) + sum(max(20.0, grams / 10) for grams in leaned)
    assert sum(deposits) == pytest.approx(sum(thrown), abs=slack_g)


STREAM = st.lists(
    st.tuples(
        st.sampled_from(["read", "read", "read", "open", "shut"]),
        st.floats(min_value=-50_000, max_value=50_000),
        st.floats(min_value=0, max_value=40),
    ),
    max_size=60,
)


LEANING = [
    ("read", -151.0, 1.0),
    ("read", 0.0, 0.0),
    ("open", 0.0, 0.0),
    ("read", 151.0, 1.0),
    ("read", 0.0, 0.0),
]
"""Somebody leans with what the thing weighs that is thrown in then, and lets go as the lid shuts."""


ABOUT_ALIKE = [
    ("read", -36_660.0, 1.0),
    ("read", -29_986.0, 0.0),
    ("open", 0.0, 0.0),
    ("read", 7_295.0, 1.0),
    ("read", 0.0, 0.0),
    ("shut", 0.0, 0.0),
]
"""The weight falls by a tenth more than somebody leaned with: it is taken for that person, who lets go."""


@given(STREAM)
@example([*LEANING, ("shut", 0.0, 0.0)])
@example(ABOUT_ALIKE)
def test_no_stream_of_readings_makes_more_of_a_deposit_than_came_to_lie_there(
    stream: list[tuple[str, float, float]],
) -> None:
    weighing, now, low, last, falls = Weighing(), 0.0, 0.0, 0.0, 0.0
    for what, grams, seconds in stream:
        now += seconds
        if what == "open":
            was_open, tare, weighing = weighing.is_open, weighing.level, lid_opened(weighing, RULES)
            if not was_open:
                # What lies above the tare may be somebody who leans, and who lets go during the opening.
                low = min(level for level in (tare, weighing.level, last) if level is not None)
                falls = 0.0
        elif what == "shut":
            weighing, deposits = lid_shut(weighing, RULES)
            assert all(one >= RULES.least_g for one in deposits)
            # A fall that is about alike a load takes all of it, and not more.
            slack_g = RULES.least_g * (len(stream) + 1) + ALIKE * falls
            assert sum(deposits) <= max(0.0, last - low) + slack_g
        else:
            last, low, falls = grams, min(low, grams), falls + max(0.0, last - grams)
            weighing, _ = weigh(weighing, grams, now, RULES)
            weighing, _ = weigh(weighing, grams, now + seconds, RULES)
            now += seconds
