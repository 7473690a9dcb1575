"""A kind of import-linter contract that lists what may be imported; the built-in ones list what may not.

A wall such as "pure files import only pure files" must hold for files and libraries that nobody has
thought of yet, so it names the few that are allowed.
"""

from __future__ import annotations

from typing import cast

from grimp import ImportGraph
from importlinter import Contract, ContractCheck, fields, output
from importlinter.domain.imports import ModuleExpression


class ConfinedContract(Contract):
    """`modules` and what lies in them import directly only from each other and from `may_import`.

    A name stands for the module and all below it; wildcards work, and a name that matches nothing is
    no error. Libraries count too, the standard library's included, when `libraries` is true.
    """

    type_name = "confined"

    modules = fields.ListField(subfield=fields.ModuleExpressionField())
    may_import = fields.ListField(subfield=fields.ModuleExpressionField(), required=False, default=[])
    libraries = fields.BooleanField(required=False, default=False)

    def check(self, graph: ImportGraph, verbose: bool) -> ContractCheck:  # noqa: FBT001  the base class's shape
        """Find the imports that leave the confinement."""
        del verbose
        inside = _named(graph, cast("list[ModuleExpression]", self.modules))
        allowed = inside | _named(graph, cast("list[ModuleExpression]", self.may_import))
        escapes = [
            f"{importer} -> {imported}"
            for importer in sorted(inside)
            for imported in sorted(graph.find_modules_directly_imported_by(importer) - allowed)
            if cast("bool", self.libraries) or not graph.is_module_squashed(imported)
        ]
        return ContractCheck(kept=not escapes, metadata={"escapes": escapes})

    def render_broken_contract(self, check: ContractCheck) -> None:
        """Print one line an import that is not allowed."""
        for escape in check.metadata["escapes"]:
            output.print_error(f"- {escape}", bold=False)
        output.new_line()


def _named(graph: ImportGraph, expressions: list[ModuleExpression]) -> set[str]:
    """Resolve names to the modules in the graph that they stand for."""
    found: set[str] = set()
    for expression in expressions:
        if expression.has_wildcard_expression():
            found |= graph.find_matching_modules(expression.expression)
        elif expression.expression in graph.modules:
            found.add(expression.expression)
    for module in list(found):
        if not graph.is_module_squashed(module):
            found |= graph.find_descendants(module)
    return found
