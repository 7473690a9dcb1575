"""Live states as a station would leave them: one of each kind that the screen must show."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from cloud_sync.rules.award_rules import Outcome
from config.reading.load_sorting import load_sorting
from config.sorting import Category
from config.words import Both, load_words
from edge.faults import FaultCode
from edge.messages import Prompt, Say
from edge.part_kinds import PartKind, kind_of
from edge.screen.prompts import PromptRenderer
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

NOW = 1_800_000_000.0
"""The Unix time at which every state is written; a panel under test takes it for the present."""

PEEL = LiveText("香蕉皮", "Banana peel")
CHOPSTICKS = LiveText("一次性筷子", "Disposable chopsticks")
LONG = LiveText("塑料瓶或包装", "Plastic bottle or packaging")
ORDER = (Category.RECYCLABLE, Category.KITCHEN, Category.HAZARDOUS, Category.OTHER)


def bin_of(
    category: Category, lid: LidPhase = LidPhase.SHUT, *, faulty: bool = False, full: bool = False
) -> LiveBin:
    return LiveBin(category.value, category, lid, faulty, full)


def bins(*changed: LiveBin) -> tuple[LiveBin, ...]:
    """Give one bin a category; those in `changed` take the place of their category's."""
    instead = {bin_.category: bin_ for bin_ in changed}
    return tuple(instead.get(category, bin_of(category)) for category in ORDER)


def verdict(
    outcome: Outcome,
    category: Category | None = None,
    label: LiveText | None = PEEL,
    probability: float | None = 0.973,
) -> LiveVerdict:
    states = {Outcome.UNSURE: VerdictState.UNSURE, Outcome.NOTHING: VerdictState.EMPTY, Outcome.UNSEEN: None}
    state = states.get(outcome, VerdictState.OK)
    return LiveVerdict("kitchen", outcome, state, category, label, probability)


def live(
    following: NextAction = NextAction.TAP,
    shown: tuple[LiveBin, ...] = bins(),
    judged: LiveVerdict | None = None,
    said: LiveText | None = None,
    points: LivePoints | None = None,
    faults: tuple[LiveFault, ...] = (),
) -> LiveState:
    """Give a state written at NOW, with a picture once anything was judged."""
    return LiveState(
        community="sunny-garden",
        station="station-3",
        written_s=NOW,
        next=following,
        bins=shown,
        verdict=judged,
        said=said,
        points=points,
        faults=faults,
        picture=0 if judged is None or judged.outcome is Outcome.UNSEEN else 1,
        outbox=3,
        name=LiveText("阳光花园 · 东门桶站", "Sunny Garden · East gate"),
    )


PROMPTS = PromptRenderer(
    load_words(),
    load_sorting(),
    {"peel": Both(PEEL.zh, PEEL.en), "chopsticks": Both(CHOPSTICKS.zh, CHOPSTICKS.en)},
)


def says(
    prompt: Prompt, label: str | None = None, belongs: Category | None = None, points: int | None = None
) -> LiveText:
    """Give the words of a prompt as the station would fill them."""
    words = PROMPTS.render(Say(prompt, belongs, belongs, label, points))
    return LiveText(words.zh, words.en)


SCENES: dict[str, Callable[[], LiveState]] = {
    "idle": live,
    "opening": lambda: live(
        NextAction.THROW,
        bins(bin_of(Category.KITCHEN, LidPhase.OPENING)),
        said=says(Prompt.WELCOME),
    ),
    "right": lambda: live(
        NextAction.THROW,
        bins(bin_of(Category.KITCHEN, LidPhase.OPEN)),
        verdict(Outcome.RIGHT, Category.KITCHEN),
        says(Prompt.RIGHT, label="peel"),
    ),
    "wrong": lambda: live(
        NextAction.STAND_BACK,
        bins(bin_of(Category.RECYCLABLE, LidPhase.CLOSING)),
        verdict(Outcome.WRONG, Category.KITCHEN),
        says(Prompt.WRONG, label="peel", belongs=Category.KITCHEN),
    ),
    "choose": lambda: live(NextAction.CHOOSE, said=says(Prompt.CHOOSE)),
    "blocked card": lambda: live(said=says(Prompt.CARD_BLOCKED)),
    "one bin full": lambda: live(
        shown=bins(bin_of(Category.KITCHEN, full=True)), said=says(Prompt.BIN_FULL, belongs=Category.KITCHEN)
    ),
    "one bin out of order": lambda: live(
        shown=bins(bin_of(Category.HAZARDOUS, faulty=True)),
        said=says(Prompt.BIN_FAULTY, belongs=Category.HAZARDOUS),
        faults=(LiveFault("lid_stuck_shut", "hazardous", "bin"),),
    ),
    "blocked lid": lambda: live(
        NextAction.STAND_BACK,
        bins(bin_of(Category.OTHER, LidPhase.OPEN)),
        verdict(Outcome.RIGHT, Category.OTHER, CHOPSTICKS, 0.91),
        says(Prompt.CLEAR_LID),
    ),
    "nothing seen": lambda: live(
        judged=verdict(Outcome.NOTHING, None, None, 0.88), said=says(Prompt.NO_DEPOSIT)
    ),
    "not saved": lambda: live(
        judged=verdict(Outcome.RIGHT, Category.KITCHEN),
        said=says(Prompt.NOT_SAVED),
        faults=(LiveFault("journal_failed", "station", "station"),),
    ),
    "unsure": lambda: live(
        NextAction.CHOOSE,
        judged=verdict(Outcome.UNSURE, None, CHOPSTICKS, 0.91),
        said=says(Prompt.UNSURE),
    ),
    "unseen": lambda: live(
        NextAction.WAIT,
        judged=verdict(Outcome.UNSEEN, None, None, None),
        said=says(Prompt.UNSEEN),
        faults=(LiveFault("camera_failed", "front", "camera"),),
    ),
    "points": lambda: live(
        judged=verdict(Outcome.RIGHT, Category.KITCHEN),
        said=says(Prompt.POINTS, points=12),
        points=LivePoints(12, held=False),
    ),
    "held": lambda: live(
        judged=verdict(Outcome.WRONG, Category.KITCHEN),
        said=says(Prompt.POINTS_HELD, points=2),
        points=LivePoints(2, held=True),
    ),
    "points of the visitor before": lambda: live(
        NextAction.THROW,
        bins(bin_of(Category.OTHER, LidPhase.OPEN), bin_of(Category.KITCHEN, LidPhase.CLOSING)),
        said=says(Prompt.POINTS_HELD_BEFORE, points=12),
        points=LivePoints(12, held=True, visit=1, before=True),
    ),
    "full and faulty": lambda: live(
        NextAction.CHOOSE,
        bins(
            bin_of(Category.KITCHEN, full=True),
            bin_of(Category.HAZARDOUS, faulty=True),
            bin_of(Category.OTHER, faulty=True, full=True),
        ),
        verdict(Outcome.NOTHING, None, None, 0.88),
        says(Prompt.BIN_FULL, belongs=Category.KITCHEN),
        LivePoints(0, held=False),
        (
            LiveFault("lid_stuck_shut", "hazardous", "bin"),
            LiveFault("lid_stuck_open", "other", "bin"),
            LiveFault("camera_failed", "front", "camera"),
        ),
    ),
    "emergency": lambda: live(
        NextAction.STOPPED,
        tuple(bin_of(category, LidPhase.OPEN, faulty=True) for category in ORDER),
        said=says(Prompt.EMERGENCY),
        faults=(LiveFault("panic", "mcu", "controller"), LiveFault("emergency_stop", "station", "station")),
    ),
    "eight bins": lambda: live(
        NextAction.STAND_BACK,
        (*bins(bin_of(Category.KITCHEN, LidPhase.OPEN)), *bins(bin_of(Category.OTHER, faulty=True))),
        verdict(Outcome.WRONG, Category.HAZARDOUS, LONG),
        says(Prompt.WRONG, label="peel", belongs=Category.KITCHEN),
        LivePoints(128, held=True),
    ),
}
"""One state of each kind, made when it is asked for, so that it is fresh."""


def every_fault() -> LiveState:
    """Give a state with each fault of the catalogue, as the installer's page lists them, and much to send."""
    part = {PartKind.BIN: "hazardous", PartKind.STATION: "station"}
    some = (
        LiveFault(code.value, part.get(kind, "front"), kind)
        for code in FaultCode
        for kind in [kind_of(code.value, "front")]
    )
    return msgspec.structs.replace(live(faults=tuple(some)), outbox=1234)
