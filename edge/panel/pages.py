"""The panel's HTML. One template draws the screen, for the first page and for every update after it."""

from __future__ import annotations

import hashlib
import re
from functools import lru_cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from config.errors import InputError
from config.sorting import Sorting
from config.station import Language
from config.words import Words
from edge.faults import CATALOGUE
from edge.panel.colours import stylesheet
from edge.panel.folder import Scene
from edge.panel.installer import fault_rows, reading_rows, roster_line
from edge.panel.view import in_both, place_of, screen_view
from edge.panel.vocabulary import Vocabulary
from edge.screen.state import NextAction

HERE = Path(__file__).parent
STATIC = HERE / "static"
TEMPLATES = HERE / "templates"

TAGS = {Language.CHINESE: "zh-CN", Language.ENGLISH: "en"}
"""The languages' tags in HTML."""


class Pages:
    """Renders scenes. InputError if the words or the city's rules lack what the screen needs."""

    def __init__(self, vocabulary: Vocabulary) -> None:
        _check_words(vocabulary.words)
        _check_icons(vocabulary.sorting)
        self._vocabulary = vocabulary
        self._environment = Environment(
            loader=FileSystemLoader(TEMPLATES),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self.colours = stylesheet(vocabulary.sorting)
        self.build = _digest(self.colours)
        """Identifies this version of page, script and style; an open page reloads when it changes."""
        self.screen = lru_cache(maxsize=4)(self._screen)

    def page(self, scene: Scene, language: Language) -> str:
        """Return the whole page: its fixed parts and the current screen."""
        screen = Markup(self.screen(scene, language))  # noqa: S704 (rendered by an escaping template)
        return self._render("page.html", language, screen=screen)

    def faults(self, scene: Scene, language: Language) -> str:
        """Return the installer's page: active faults, each with its mend, and the last cabinet readings."""
        live = scene.live
        rows = [] if live is None else fault_rows(live, language, self._vocabulary)
        place = "" if live is None else place_of(live, language)
        texts = self._vocabulary.texts
        readings = reading_rows(scene.readings, language, texts)
        roster = "" if live is None else roster_line(live, language, texts)
        told = {"live": live, "place": place, "rows": rows, "readings": readings, "roster": roster}
        return self._render("faults.html", language, **told)

    def _screen(self, scene: Scene, language: Language) -> str:
        view = screen_view(scene, language, self._vocabulary)
        return self._render(
            "screen.html",
            language,
            view=view,
            away=view is None,
            is_long_away=scene.is_long_away,
            notice=in_both(self._vocabulary.texts.notice, language),
        )

    def _render(self, template: str, language: Language, **values: object) -> str:
        other = Language.ENGLISH if language is Language.CHINESE else Language.CHINESE
        return self._environment.get_template(template).render(
            build=self.build,
            language=language,
            tag=TAGS[language],
            other=other.value,
            other_tag=TAGS[other],
            text=self._vocabulary.texts.within(language),
            both=self._vocabulary.texts,
            **values,
        )


def _check_words(words: Words) -> None:
    if missing := [code.value for code in CATALOGUE if code.value not in words.fault]:
        raise InputError(f"the prompts have no fault.{missing[0]}", "add it, in Chinese and English")
    if missing := [action.value for action in NextAction if action.value not in words.action]:
        raise InputError(f"the prompts have no action.{missing[0]}", "add it, in Chinese and English")


def _check_icons(sorting: Sorting) -> None:
    drawn = set(re.findall(r'id="category-([a-z0-9-]+)"', (TEMPLATES / "icons.svg").read_text("utf-8")))
    for category, face in sorting.category.items():
        if face.icon not in drawn:
            what = f"sorting of {sorting.en}: category.{category}.icon: the screen has no icon {face.icon}"
            raise InputError(what, f"use one of {', '.join(sorted(drawn))}")


def _digest(colours: str) -> str:
    digest = hashlib.sha256(colours.encode())
    for path in sorted([*STATIC.iterdir(), *TEMPLATES.iterdir()]):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:12]
