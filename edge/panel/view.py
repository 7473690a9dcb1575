"""Turns a scene into the view of a screen in one language. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from cloud_sync.rules.award_rules import Outcome
from config.sorting import Category
from config.station import Language
from config.words import Both
from edge.panel.folder import Scene
from edge.panel.texts import PanelTexts
from edge.panel.verdict_text import VerdictText, verdict_text
from edge.panel.vocabulary import Name, Vocabulary, category_name
from edge.screen.state import LidPhase, LiveBin, LivePoints, LiveState


@dataclass(frozen=True, slots=True)
class DrawnBin:
    """One bin's drawing; `state` is its lid's state in words."""

    id: str
    lid: LidPhase
    faulty: bool
    full: bool
    state: str


@dataclass(frozen=True, slots=True)
class Tile:
    """One category with all its bins, so that its name is shown once. `belongs`: the last thing goes here."""

    category: Category
    icon: str
    word: Name
    examples: str
    bins: tuple[DrawnBin, ...]
    belongs: bool

    @property
    def open(self) -> bool:
        """Whether a lid here is open or moving."""
        return any(bin_.lid in {LidPhase.OPEN, LidPhase.OPENING} for bin_ in self.bins)

    @property
    def faulty(self) -> bool:
        """Whether a bin here cannot be used."""
        return any(bin_.faulty for bin_ in self.bins)

    @property
    def full(self) -> bool:
        """Whether a bin here is full."""
        return any(bin_.full for bin_ in self.bins)


@dataclass(frozen=True, slots=True)
class Spoken:
    """A sentence and its language."""

    language: str
    text: str


@dataclass(frozen=True, slots=True)
class ScreenView:
    """A whole screen while the station runs."""

    place: str
    tiles: tuple[Tile, ...]
    verdict: VerdictText | None
    said: tuple[Spoken, ...]
    points: str
    points_label: str
    is_before: bool
    """Whether the points are the previous visitor's."""
    held: bool
    next_icon: str
    next_word: str
    faults: str
    """The number of faults, in words; empty for none."""
    picture: str | None


def screen_view(scene: Scene, language: Language, vocabulary: Vocabulary) -> ScreenView | None:
    """Return the screen of a scene; None while the station is starting or down."""
    live = scene.live
    if live is None:
        return None
    return ScreenView(
        place=place_of(live, language),
        tiles=_tiles(live, language, vocabulary),
        verdict=None if live.verdict is None else verdict_text(live.verdict, language, vocabulary),
        said=() if live.said is None else in_both(Both(live.said.zh, live.said.en), language),
        points=_points(live.points),
        points_label=_points_label(live.points, vocabulary.texts).within(language),
        is_before=live.points is not None and live.points.before,
        held=live.points is not None and live.points.held,
        next_icon=live.next.value,
        next_word=vocabulary.words.asked(live.next.value).within(language),
        faults=_fault_count(len(live.faults), language, vocabulary.texts),
        picture=scene.picture,
    )


def place_of(live: LiveState, language: Language) -> str:
    """Return the names of community and station."""
    name = live.name.zh if language is Language.CHINESE else live.name.en
    return name or f"{live.community} · {live.station}"


def _fault_count(count: int, language: Language, texts: PanelTexts) -> str:
    if not count:
        return ""
    words = texts.fault_count_one if count == 1 else texts.fault_count
    return words.within(language).format(count=count)


def _points_label(points: LivePoints | None, texts: PanelTexts) -> Both:
    return texts.points if points is None or not points.before else texts.points_before


def _tiles(live: LiveState, language: Language, vocabulary: Vocabulary) -> tuple[Tile, ...]:
    grouped: dict[Category, list[DrawnBin]] = {}
    for bin_ in live.bins:
        grouped.setdefault(bin_.category, []).append(_drawn(bin_, language, vocabulary.texts))
    wrong = live.verdict is not None and live.verdict.outcome is Outcome.WRONG
    belongs = live.verdict.category if live.verdict is not None and wrong else None
    return tuple(
        Tile(
            category=category,
            icon=vocabulary.sorting.category[category].icon,
            word=category_name(vocabulary.category(category, language)),
            examples=vocabulary.examples(category, language),
            bins=tuple(bins),
            belongs=category is belongs,
        )
        for category, bins in grouped.items()
    )


def _drawn(bin_: LiveBin, language: Language, texts: PanelTexts) -> DrawnBin:
    state = {
        LidPhase.SHUT: texts.shut,
        LidPhase.OPENING: texts.opening,
        LidPhase.OPEN: texts.open,
        LidPhase.CLOSING: texts.closing,
    }[bin_.lid]
    return DrawnBin(bin_.id, bin_.lid, bin_.faulty, bin_.full, state.within(language))


def in_both(text: Both, language: Language) -> tuple[Spoken, ...]:
    """Return a text in both languages, the screen's own first."""
    both = (Spoken("zh-CN", text.zh), Spoken("en", text.en))
    return both if language is Language.CHINESE else both[::-1]


def _points(points: LivePoints | None) -> str:
    """Return the points as text; "" for a visit that earned none, as there is nothing to celebrate."""
    return "" if points is None or not points.points else f"+{points.points}"
