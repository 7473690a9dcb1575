"""Live states as a station would leave them: one of each kind that the screen must show."""

from __future__ import annotations

from collections.abc import Callable

from cloud_sync.rules.award_rules import Outcome
from config.sorting import Category
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

PEEL = LiveText("香蕉皮", "banana peel")
CHOPSTICKS = LiveText("一次性筷子", "disposable chopsticks")
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
    """Give a state written at NOW, with a picture."""
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
        picture=1,
        outbox=3,
    )


SCENES: dict[str, Callable[[], LiveState]] = {
    "idle": live,
    "opening": lambda: live(
        NextAction.THROW,
        bins(bin_of(Category.KITCHEN, LidPhase.OPENING)),
        said=LiveText("您好，桶盖已打开，请投放。", "Hello. The lid is opening."),
    ),
    "right": lambda: live(
        NextAction.THROW,
        bins(bin_of(Category.KITCHEN, LidPhase.OPEN)),
        verdict(Outcome.RIGHT, Category.KITCHEN),
        LiveText("香蕉皮，分对了，谢谢！", "Banana peel: right bin, thank you!"),
    ),
    "wrong": lambda: live(
        NextAction.STAND_BACK,
        bins(bin_of(Category.RECYCLABLE, LidPhase.CLOSING)),
        verdict(Outcome.WRONG, Category.KITCHEN),
        LiveText("香蕉皮下次请投厨余垃圾桶。", "Banana peel goes in Kitchen, next time."),
    ),
    "unsure": lambda: live(
        NextAction.CHOOSE,
        judged=verdict(Outcome.UNSURE, None, CHOPSTICKS, 0.41),
        said=LiveText("看不清是什么，照样给您积分。", "I could not tell what it was. You still get points."),
    ),
    "unseen": lambda: live(
        NextAction.WAIT,
        judged=verdict(Outcome.UNSEEN, None, None, None),
        said=LiveText("收到了，谢谢您。", "Got it, thank you."),
        faults=(LiveFault("camera_failed", "front"),),
    ),
    "points": lambda: live(
        judged=verdict(Outcome.RIGHT, Category.KITCHEN),
        said=LiveText("本次得12分，谢谢您！", "You earned 12 points. Thank you!"),
        points=LivePoints(12, held=False),
    ),
    "held": lambda: live(
        judged=verdict(Outcome.WRONG, Category.KITCHEN),
        said=LiveText("本次2分先为您留着，绑卡后到账。", "2 points are kept until your card is registered."),
        points=LivePoints(2, held=True),
    ),
    "full and faulty": lambda: live(
        NextAction.CHOOSE,
        bins(
            bin_of(Category.KITCHEN, full=True),
            bin_of(Category.HAZARDOUS, faulty=True),
            bin_of(Category.OTHER, faulty=True, full=True),
        ),
        verdict(Outcome.NOTHING, None, None, 0.88),
        LiveText("厨余垃圾桶满了，请用别的桶。", "The Kitchen bin is full. Please use another."),
        LivePoints(0, held=False),
        (
            LiveFault("lid_stuck_shut", "hazardous"),
            LiveFault("lid_stuck_open", "other"),
            LiveFault("camera_failed", "front"),
        ),
    ),
    "eight bins": lambda: live(
        NextAction.STAND_BACK,
        (*bins(bin_of(Category.KITCHEN, LidPhase.OPEN)), *bins(bin_of(Category.OTHER, faulty=True))),
        verdict(Outcome.WRONG, Category.KITCHEN),
        LiveText("香蕉皮下次请投厨余垃圾桶。", "Banana peel goes in Kitchen, next time."),
        LivePoints(128, held=True),
    ),
}
"""One state of each kind, made when it is asked for, so that it is fresh."""
