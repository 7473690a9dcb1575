"""What the screen says of the last deposit. Pure: a verdict in, its words out."""

from __future__ import annotations

from dataclasses import dataclass

from cloud_sync.rules.award_rules import Outcome
from config.sorting import Category
from config.station import Language
from edge.panel.texts import Texts
from edge.panel.vocabulary import Vocabulary
from edge.screen.state import LiveVerdict

ICON_OF_OUTCOME = {
    Outcome.RIGHT: "check",
    Outcome.WRONG: "arrow",
    Outcome.UNSURE: "question",
    Outcome.UNSEEN: "unseen",
    Outcome.NOTHING: "nothing",
}


@dataclass(frozen=True, slots=True)
class Judged:
    """The verdict: a small line, a large word, a percentage. `category` is where a wrong thing belongs."""

    outcome: Outcome
    icon: str
    line: str
    word: str
    percent: str
    category: Category | None


def judged(verdict: LiveVerdict, language: Language, vocabulary: Vocabulary) -> Judged:
    """The verdict as it is shown in one language."""
    wrong = verdict.outcome is Outcome.WRONG
    return Judged(
        outcome=verdict.outcome,
        icon=ICON_OF_OUTCOME[verdict.outcome],
        line=_line(verdict, language, vocabulary.texts),
        word=_verdict_word(verdict, language, vocabulary),
        percent=_percent(verdict),
        category=verdict.category if wrong else None,
    )


def _line(verdict: LiveVerdict, language: Language, texts: Texts) -> str:
    """The small line: what the thing is, and for a wrong one the start of 'goes in Kitchen'."""
    wrong = verdict.outcome is Outcome.WRONG
    label = verdict.label or (texts.something if wrong else None)
    if label is None:
        return ""
    named = label.zh if language is Language.CHINESE else label.en
    frames = {Outcome.WRONG: texts.goes_in, Outcome.UNSURE: texts.maybe}
    frame = frames.get(verdict.outcome)
    line = named if frame is None else frame.within(language).format_map({"label": named})
    return line[:1].upper() + line[1:]


def _percent(verdict: LiveVerdict) -> str:
    """How likely the category is; of an empty picture that says nothing."""
    if verdict.probability is None or verdict.outcome is Outcome.NOTHING:
        return ""
    return f"{round(100 * verdict.probability)}%"


def _verdict_word(verdict: LiveVerdict, language: Language, vocabulary: Vocabulary) -> str:
    texts = vocabulary.texts
    match verdict.outcome:
        case Outcome.RIGHT:
            return texts.right.within(language)
        case Outcome.WRONG if verdict.category is not None:
            return vocabulary.category(verdict.category, language)
        case Outcome.WRONG:
            return texts.elsewhere.within(language)
        case Outcome.UNSURE:
            return texts.unsure.within(language)
        case Outcome.UNSEEN:
            return texts.unseen.within(language)
        case Outcome.NOTHING:
            return texts.nothing.within(language)
