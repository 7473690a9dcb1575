"""What stands where on the screen, in one language. Pure: a scene in, a view out."""

from __future__ import annotations

from dataclasses import dataclass

from cloud_sync.rules.award_rules import Outcome
from config.sorting import Category
from config.station import Language
from edge.faults import CATALOGUE, FaultCode, FaultKind
from edge.panel.folder import Scene, StatementLink
from edge.panel.texts import Texts
from edge.panel.verdict_text import Judged, judged
from edge.panel.vocabulary import Name, Vocabulary, category_name
from edge.screen.state import LidPhase, LiveBin, LiveFault, LivePoints, LiveState, LiveText

FAULTS_SHOWN = 2
"""More than these are a number on the screen, and all of them on the installer's page."""


@dataclass(frozen=True, slots=True)
class DrawnBin:
    """One bin's drawing; `state` says in words what the lid does."""

    id: str
    lid: LidPhase
    faulty: bool
    full: bool
    state: str


@dataclass(frozen=True, slots=True)
class Tile:
    """One category with all its bins, so that its name is read once. `belongs`: the last thing goes here."""

    category: Category
    icon: str
    word: Name
    bins: tuple[DrawnBin, ...]
    belongs: bool

    @property
    def open(self) -> bool:
        """Whether a lid here is open or on its way."""
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
    """What the voice says, in one language."""

    language: str
    text: str


@dataclass(frozen=True, slots=True)
class ScreenView:
    """A whole screen while the station runs."""

    place: str
    tiles: tuple[Tile, ...]
    verdict: Judged | None
    said: tuple[Spoken, ...]
    points: str
    held: bool
    next_icon: str
    next_word: str
    faults: tuple[LiveFault, ...]
    more_faults: int
    picture: str | None
    link: StatementLink | None


def screen_view(scene: Scene, language: Language, vocabulary: Vocabulary) -> ScreenView | None:
    """The screen of a scene; None when the station is starting or down."""
    live = scene.live
    if live is None:
        return None
    return ScreenView(
        place=place_of(live, language),
        tiles=_tiles(live, language, vocabulary),
        verdict=None if live.verdict is None else judged(live.verdict, language, vocabulary),
        said=_spoken(live.said, language),
        points=_points(live.points),
        held=live.points is not None and live.points.held,
        next_icon=live.next.value,
        next_word=vocabulary.words.asked(live.next.value).within(language),
        faults=live.faults[:FAULTS_SHOWN],
        more_faults=max(0, len(live.faults) - FAULTS_SHOWN),
        picture=scene.picture,
        link=scene.link,
    )


def place_of(live: LiveState, language: Language) -> str:
    """Return community and station by the names that people use."""
    name = live.name.zh if language is Language.CHINESE else live.name.en
    return name or f"{live.community} · {live.station}"


def known_fault(code: str) -> FaultKind | None:
    """The catalogue's row for a fault; None for one that this version does not know."""
    return CATALOGUE[FaultCode(code)] if code in set(FaultCode) else None


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
            bins=tuple(bins),
            belongs=category is belongs,
        )
        for category, bins in grouped.items()
    )


def _drawn(bin_: LiveBin, language: Language, texts: Texts) -> DrawnBin:
    state = {
        LidPhase.SHUT: texts.shut,
        LidPhase.OPENING: texts.opening,
        LidPhase.OPEN: texts.open,
        LidPhase.CLOSING: texts.closing,
    }[bin_.lid]
    return DrawnBin(bin_.id, bin_.lid, bin_.faulty, bin_.full, state.within(language))


def _spoken(said: LiveText | None, language: Language) -> tuple[Spoken, ...]:
    """Both languages, the screen's own first."""
    if said is None:
        return ()
    both = (Spoken("zh-CN", said.zh), Spoken("en", said.en))
    return both if language is Language.CHINESE else both[::-1]


def _points(points: LivePoints | None) -> str:
    """A visit that earned nothing shows nothing: there is nothing to celebrate."""
    return "" if points is None or not points.points else f"+{points.points}"
