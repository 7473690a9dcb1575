"""A bin that cannot be used sends nobody to a bin of another category."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloud_sync.wire.facts import Credential, Role
from config.reading.load_sorting import load_sorting, shipped_sortings
from config.sorting import Category
from config.station import OpenBy
from config.words import load_words
from edge.faults import Fault, FaultCode, blocked_bins
from edge.messages import Granted, Pressed, Prompt, Say
from edge.screen.prompts import PromptRenderer
from edge.visit.machine import step
from edge.visit.state import State, Visit
from tests.edge.builders import bin_rule, card, rules_of

CATEGORIES = {"kitchen-1": Category.KITCHEN, "kitchen-2": Category.KITCHEN, "other": Category.OTHER}
BLOCKING = [FaultCode.LID_STUCK_SHUT, FaultCode.LID_STUCK_OPEN, FaultCode.LID_UNREACHABLE]
CANNOT_BE_USED = {
    Prompt.BIN_FULL: False,
    Prompt.BIN_FAULTY: False,
    Prompt.BIN_FULL_OTHER: True,
    Prompt.BIN_FAULTY_OTHER: True,
}
"""Prompts about a bin that cannot be used, and whether each points to another bin of this station."""
NAMES_A_BIN = {*CANNOT_BE_USED, Prompt.WRONG, Prompt.REMOTE_OPENING}


@given(
    open_by=st.sampled_from([OpenBy.READER, OpenBy.BUTTON]),
    wanted=st.sampled_from(sorted(CATEGORIES)),
    full=st.frozensets(st.sampled_from(sorted(CATEGORIES))),
    faults=st.frozensets(st.builds(Fault, st.sampled_from(BLOCKING), st.sampled_from(sorted(CATEGORIES)))),
)
def test_another_bin_is_proposed_only_if_one_of_the_same_category_works(
    open_by: OpenBy, wanted: str, full: frozenset[str], faults: frozenset[Fault]
) -> None:
    rules = rules_of(
        *(bin_rule(name, open_by=open_by, category=category) for name, category in CATEGORIES.items())
    )
    resident = Visit(1, card("zhang"), Credential.EM4100, Role.RESIDENT, 99.0, idle_until=110.0)
    state = State((resident,), current=1, next_visit=2, faults=faults, full=full)
    if open_by is OpenBy.READER:
        _, given_ = step(
            state, Granted(100.0, f"at-{wanted}", resident.card, Credential.EM4100, Role.RESIDENT), rules
        )
    else:
        _, given_ = step(state, Pressed(100.0, wanted), rules)
    works = CATEGORIES.keys() - full - blocked_bins(faults)
    said = [one for one in given_ if isinstance(one, Say) and one.prompt in CANNOT_BE_USED]
    assert (said == []) == (wanted in works)
    for say in said:
        others = {name for name in works if CATEGORIES[name] is CATEGORIES[wanted]}
        assert CANNOT_BE_USED[say.prompt] == bool(others)
        assert say.bin is CATEGORIES[wanted]


@pytest.mark.parametrize("prompt", Prompt)
def test_no_prompt_sends_waste_to_a_bin_without_naming_its_category(prompt: Prompt) -> None:
    words = load_words().prompt[prompt]
    for text in (words.zh, words.en):
        proposes = re.search(r"别的桶|其他桶|另一个|another|other|different", text)
        assert proposes is None or re.search(r"\{bin\}|another station", text), text


@pytest.mark.parametrize("city", shipped_sortings())
@pytest.mark.parametrize("category", Category)
@pytest.mark.parametrize("prompt", Prompt)
def test_a_prompt_names_the_bins_category_and_no_other(prompt: Prompt, category: Category, city: str) -> None:
    sorting = load_sorting(city)
    said = PromptRenderer(load_words(), sorting, {}).render(Say(prompt, bin=category, belongs=category))
    named = {
        one
        for one, face in sorting.category.items()
        if face.zh in said.zh or re.search(rf"\b{re.escape(face.en)}\b", said.en)
    }
    assert named == ({category} if prompt in NAMES_A_BIN else set())
