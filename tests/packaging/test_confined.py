"""The contract that lists what may be imported does find what leaves it."""

from __future__ import annotations

import pytest
from grimp import ImportGraph
from importlinter import ContractCheck

from tests.packaging.confined import ConfinedContract


@pytest.fixture
def graph() -> ImportGraph:
    """Draw `pure` importing `values` and a library, and `impure` beside them."""
    drawn = ImportGraph()
    for module in ("house", "house.pure", "house.pure.part", "house.values", "house.impure"):
        drawn.add_module(module)
    drawn.add_module("library", is_squashed=True)
    drawn.add_import(importer="house.pure.part", imported="house.values")
    drawn.add_import(importer="house.pure", imported="house.pure.part")
    drawn.add_import(importer="house.pure", imported="library")
    return drawn


def check(graph: ImportGraph, *may_import: str, libraries: bool = False) -> ContractCheck:
    options = {
        "modules": ["house.pure", "house.not_there"],
        "may_import": list(may_import),
        "libraries": str(libraries),
    }
    return ConfinedContract(name="walls", session_options={}, contract_options=options).check(graph, False)  # noqa: FBT003  its signature


def test_imports_from_each_other_and_from_what_is_listed_keep_it(graph: ImportGraph) -> None:
    assert check(graph, "house.values").kept


def test_one_import_that_is_not_listed_breaks_it_and_is_named(graph: ImportGraph) -> None:
    graph.add_import(importer="house.pure.part", imported="house.impure")
    found = check(graph, "house.values")
    assert not found.kept
    assert found.metadata["escapes"] == ["house.pure.part -> house.impure"]


def test_libraries_count_when_the_contract_says_so(graph: ImportGraph) -> None:
    found = check(graph, "house.values", libraries=True)
    assert found.metadata["escapes"] == ["house.pure -> library"]
    assert check(graph, "house.values", "library", libraries=True).kept


def test_a_wildcard_lists_what_it_matches(graph: ImportGraph) -> None:
    assert check(graph, "house.*").kept
