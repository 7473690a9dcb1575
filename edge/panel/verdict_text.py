"""The screen's text about the last deposit. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from cloud_sync.rules.award_rules import Outcome
from config.sorting import Category
from config.station import Language
from edge.panel.texts import PanelTexts
from edge.panel.vocabulary import Name, Vocabulary, category_name
from edge.screen.state import LiveVerdict

ICON_OF_OUTCOME = {
    Outcome.RIGHT: "check",
    Outcome.WRONG: "arrow",
    Outcome.UNSURE: "question",
    Outcome.UNSEEN: "unseen",
    Outcome.NOTHING: "nothing",
}


@dataclass(frozen=True, slots=True)
class VerdictText:
    """A verdict: a small line, a large word, a percentage. `category`: where a wrong thing belongs."""

    outcome: Outcome
    icon: str
    line: str
    word: Name
    percent: str
    category: Category | None


def verdict_text(verdict: LiveVerdict, language: Language, vocabulary: Vocabulary) -> VerdictText:
    """Return a verdict's text in one language."""
    wrong = verdict.outcome is Outcome.WRONG
    return VerdictText(
        outcome=verdict.outcome,
        icon=ICON_OF_OUTCOME[verdict.outcome],
        line=_line(verdict, language, vocabulary.texts),
        word=_verdict_word(verdict, language, vocabulary),
        percent=_percent(verdict),
        category=verdict.category if wrong else None,
    )


def _line(verdict: LiveVerdict, language: Language, texts: PanelTexts) -> str:
    """Return the small line: the thing's name, and for a wrong one "next time" before the category."""
    wrong = verdict.outcome is Outcome.WRONG
    label = verdict.label or (texts.something if wrong else None)
    if label is None:
        return ""
    named = label.zh if language is Language.CHINESE else in_mid_sentence(label.en)
    frames = {Outcome.WRONG: texts.goes_in, Outcome.UNSURE: texts.maybe}
    frame = frames.get(verdict.outcome)
    line = named if frame is None else frame.within(language).format_map({"label": named})
    return line[:1].upper() + line[1:]


def in_mid_sentence(label: str) -> str:
    """Write a label for use inside an English sentence: `Maybe can`, but `Maybe LED lamp`."""
    return label if label[1:2].isupper() else label[:1].lower() + label[1:]


def _percent(verdict: LiveVerdict) -> str:
    """Return the probability if right or wrong, else "": a high number with "not sure" looks wrong."""
    if verdict.probability is None or verdict.outcome not in {Outcome.RIGHT, Outcome.WRONG}:
        return ""
    return f"{round(100 * verdict.probability)}%"


def _verdict_word(verdict: LiveVerdict, language: Language, vocabulary: Vocabulary) -> Name:
    if verdict.outcome is Outcome.WRONG and verdict.category is not None:
        return category_name(vocabulary.category(verdict.category, language))
    texts = vocabulary.texts
    words = {
        Outcome.RIGHT: texts.right,
        Outcome.WRONG: texts.elsewhere,
        Outcome.UNSURE: texts.unsure,
        Outcome.UNSEEN: texts.unseen,
        Outcome.NOTHING: texts.nothing,
    }
    return Name(words[verdict.outcome].within(language))
