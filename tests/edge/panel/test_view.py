"""What stands where on the screen."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloud_sync.rules.award_rules import Outcome
from config.reading.load_sorting import load_sorting, shipped_sortings
from config.sorting import Category
from config.station import Language
from config.words import load_words
from edge.panel.folder import Scene
from edge.panel.installer import known_fault
from edge.panel.texts import load_texts
from edge.panel.view import ScreenView, screen_view
from edge.panel.vocabulary import Vocabulary
from edge.screen.state import (
    LidPhase,
    LiveBin,
    LiveFault,
    LivePoints,
    LiveState,
    LiveText,
    LiveVerdict,
    NextAction,
)
from models.verdict import VerdictState
from tests.edge.panel.scenes import CHOPSTICKS, PEEL, bin_of, live, verdict

ZH, EN = Language.CHINESE, Language.ENGLISH
VOCABULARY = {city: Vocabulary(load_words(), load_sorting(city), load_texts()) for city in shipped_sortings()}


def view(state: LiveState, language: Language = EN, city: str = "beijing") -> ScreenView:
    drawn = screen_view(Scene(state, None), language, VOCABULARY[city])
    assert drawn is not None
    return drawn


def test_without_a_live_state_there_is_nothing_to_draw() -> None:
    assert screen_view(Scene(None, None), EN, VOCABULARY["beijing"]) is None


@pytest.mark.parametrize(
    ("outcome", "category", "zh", "en"),
    [
        (Outcome.RIGHT, Category.KITCHEN, ("香蕉皮", "投对了"), ("Banana peel", "Right bin")),
        (
            Outcome.WRONG,
            Category.KITCHEN,
            ("香蕉皮，下次请投", "厨余垃圾"),
            ("Banana peel: next time", "Food Waste"),
        ),
        (
            Outcome.WRONG,
            None,
            ("香蕉皮，下次请投", "请看分类指引"),
            ("Banana peel: next time", "See sorting guide"),
        ),
        (Outcome.UNSURE, None, ("可能是香蕉皮", "看不清"), ("Maybe banana peel", "Not sure")),
        (Outcome.UNSEEN, None, ("香蕉皮", "没看到"), ("Banana peel", "Not seen")),
        (Outcome.NOTHING, None, ("香蕉皮", "没看到垃圾"), ("Banana peel", "Nothing seen")),
    ],
)
def test_a_verdict_is_a_small_line_and_a_large_word(
    outcome: Outcome, category: Category | None, zh: tuple[str, str], en: tuple[str, str]
) -> None:
    state = live(judged=verdict(outcome, category, PEEL))
    for language, words in ((ZH, zh), (EN, en)):
        judged = view(state, language).verdict
        assert judged is not None
        assert (judged.line, str(judged.word)) == words


def test_a_wrong_thing_without_a_label_still_reads_as_a_sentence() -> None:
    judged = view(live(judged=verdict(Outcome.WRONG, Category.OTHER, None))).verdict
    assert judged is not None
    assert f"{judged.line} {judged.word}" == "This thing: next time Residual Waste"


def test_each_outcome_has_an_icon_of_its_own() -> None:
    drawn = [view(live(judged=verdict(outcome, None))).verdict for outcome in Outcome]
    assert len({judged.icon for judged in drawn if judged is not None}) == len(Outcome)


@pytest.mark.parametrize(
    ("outcome", "probability", "shown"),
    [
        (Outcome.RIGHT, 0.973, "97%"),
        (Outcome.UNSURE, 0.91, ""),
        (Outcome.UNSEEN, None, ""),
        (Outcome.NOTHING, 0.88, ""),
    ],
)
def test_the_probability_is_a_percentage_of_a_category_that_was_seen(
    outcome: Outcome, probability: float | None, shown: str
) -> None:
    judged = view(live(judged=verdict(outcome, None, PEEL, probability))).verdict
    assert judged is not None
    assert judged.percent == shown


def test_only_the_category_where_a_wrong_thing_belongs_is_marked() -> None:
    tiles = view(live(judged=verdict(Outcome.WRONG, Category.KITCHEN))).tiles
    assert [tile.category for tile in tiles if tile.belongs] == [Category.KITCHEN]


def test_a_right_thing_marks_no_category() -> None:
    assert not any(tile.belongs for tile in view(live(judged=verdict(Outcome.RIGHT, Category.KITCHEN))).tiles)


def test_bins_of_one_category_share_a_tile_in_the_order_of_the_configuration() -> None:
    kitchen, other = Category.KITCHEN, Category.OTHER
    shown = (
        bin_of(kitchen),
        bin_of(other, full=True),
        msgspec.structs.replace(bin_of(kitchen, LidPhase.OPEN, faulty=True), id="kitchen-2"),
    )
    first, second = view(live(shown=shown)).tiles
    assert [bin_.id for bin_ in first.bins] == ["kitchen", "kitchen-2"]
    assert (first.category, first.open, first.faulty, first.full) == (kitchen, True, True, False)
    assert (second.category, second.open, second.faulty, second.full) == (other, False, False, True)


def test_every_lid_says_what_it_does_for_those_who_cannot_see_it() -> None:
    shown = tuple(bin_of(category, lid) for category, lid in zip(Category, LidPhase, strict=True))
    states = [bin_.state for tile in view(live(shown=shown)).tiles for bin_ in tile.bins]
    assert states == ["lid shut", "lid opening", "lid open", "lid closing"]


def test_the_voice_is_shown_in_both_languages_with_the_screens_own_first() -> None:
    state = live(said=CHOPSTICKS)
    assert [spoken.language for spoken in view(state, ZH).said] == ["zh-CN", "en"]
    assert [spoken.text for spoken in view(state, EN).said] == [CHOPSTICKS.en, CHOPSTICKS.zh]


@pytest.mark.parametrize(
    ("points", "shown"),
    [
        (None, ("", False)),
        (LivePoints(2, held=True), ("+2", True)),
        (LivePoints(0, held=False), ("", False)),
    ],
)
def test_points_are_shown_with_a_plus_and_whether_they_are_kept(
    points: LivePoints | None, shown: tuple[str, bool]
) -> None:
    drawn = view(live(points=points))
    assert (drawn.points, drawn.held) == shown


@pytest.mark.parametrize("action", NextAction)
def test_every_next_action_has_at_most_three_words(action: NextAction) -> None:
    assert 1 <= len(view(live(action), EN).next_word.split()) <= 3
    assert len(view(live(action), ZH).next_word.split()) == 1


@pytest.mark.parametrize(
    ("count", "zh", "en"), [(0, "", ""), (1, "1 处故障", "1 fault"), (5, "5 处故障", "5 faults")]
)
def test_faults_are_counted_in_words(count: int, zh: str, en: str) -> None:
    faults = tuple(LiveFault("camera_failed", f"camera-{number}") for number in range(count))
    assert (view(live(faults=faults), ZH).faults, view(live(faults=faults), EN).faults) == (zh, en)


def test_a_fault_that_this_version_does_not_know_has_no_row() -> None:
    assert known_fault("lid_stuck_shut") is not None
    assert known_fault("invented_later") is None


TEXTS = st.builds(LiveText, st.text(max_size=20), st.text(max_size=20))
STATES = st.builds(
    LiveState,
    community=st.just("c"),
    station=st.just("s"),
    written_s=st.just(0.0),
    next=st.sampled_from(NextAction),
    bins=st.lists(
        st.builds(
            LiveBin,
            st.text(max_size=9),
            st.sampled_from(Category),
            st.sampled_from(LidPhase),
            st.booleans(),
            st.booleans(),
        ),
        max_size=8,
    ).map(tuple),
    verdict=st.none()
    | st.builds(
        LiveVerdict,
        st.text(max_size=9),
        st.sampled_from(Outcome),
        st.none() | st.sampled_from(VerdictState),
        st.none() | st.sampled_from(Category),
        st.none() | TEXTS,
        st.none() | st.floats(0, 1),
    ),
    said=st.none() | TEXTS,
    points=st.none() | st.builds(LivePoints, st.integers(0, 10_000), st.booleans()),
    faults=st.just(()),
    picture=st.just(0),
    outbox=st.just(0),
)


@given(state=STATES, language=st.sampled_from(Language), city=st.sampled_from(sorted(VOCABULARY)))
def test_whatever_the_state_at_most_twelve_words_are_large(
    state: LiveState, language: Language, city: str
) -> None:
    drawn = view(state, language, city)
    large = [tile.word.large for tile in drawn.tiles] + [drawn.points, drawn.next_word]
    if drawn.verdict is not None:
        large.append(drawn.verdict.word.large)
    assert len(" ".join(large).split()) <= 12
