"""Nothing leads nowhere: every command, option, setting, message, status, page and function has its use."""

from __future__ import annotations

import ast
import re
from collections import Counter
from collections.abc import Iterator

import click
import pytest

from tests.packaging.source import (
    CHECKOUT,
    classes,
    commands,
    last_name,
    page_attributes,
    page_words,
    shipped,
    text_of_tests,
    written_for_people,
)

COMMANDS = dict(commands())
OPTIONS = {
    f"{path} {option.opts[0]}": (command, option)
    for path, command in COMMANDS.items()
    for option in command.params
    if isinstance(option, click.Option)
}
SIMULATED = ("edge/sim/", "firmware_bridge/twin/")
"""What plays a device or a person: what only these make or understand, a real station does not."""

UNREAD_SETTINGS = {"ReaderWiring.pins": "config/reading/check_wiring.py refuses two parts at one pin by it"}
"""Settings that no code reads by name, and why they are there."""
UNUSED_MEMBERS = {
    "Timed": "pure code of settling/timing.py gives it by its value, without Django",
    "SensorKind": "a device may send each kind of protocol.md; docs/protocol.md says which the station reads",
}
"""Enumerations with members that no code names, and why."""
BY_DJANGO = """
ApiConfig AuditConfig CommandingConfig DownlinkConfig EnrolmentConfig FleetConfig
MovingConfig OfficersConfig PointsConfig StationsConfig TokensConfig
StandBy DatabaseSchemaEditor DatabaseWrapper apply_migration clean_username
deferrable_sql delete process_exception speak
"""
BY_MIGRATIONS = "note_found"
BY_OTHER_LIBRARIES = """
format_commands formatTime handle_exit get_next authenticate get_cache_key resolve_public_key
"""
"""click, logging, uvicorn, ONNX Runtime, django-ninja, http-message-signatures."""
CALLED_FROM_OUTSIDE = {*BY_DJANGO.split(), *BY_MIGRATIONS.split(), *BY_OTHER_LIBRARIES.split()}
FOR_TESTS_ALONE = {
    "fail": "a simulated lid's defect, which only a test brings about",
    "is_right": "the truth about a simulated throw, which only a test may ask for",
    "apply_batch": "one message applied as a worker applies many",
    "wiring_table": "the table of docs/wiring.md, which a test holds to the kinds",
    "open_batch": "a batch read without what shows that it was signed",
}
"""Functions that no shipped code calls, and why they stand with what they belong to."""


def test_every_option_of_every_command_says_what_it_does() -> None:
    silent = [name for name, (_, option) in OPTIONS.items() if not option.help]
    assert not silent, f"options without a help text: {silent}"


@pytest.mark.parametrize("path", COMMANDS)
def test_every_command_is_run_by_a_test_or_taught_by_a_document(path: str) -> None:
    words = path.split()[1:]
    as_arguments = ", ".join(f'"{word}"' for word in words[-2:])
    taught = any(path in text or " ".join(words) in text for text in (written_for_people(), text_of_tests()))
    tests = text_of_tests()
    assert taught or as_arguments in tests or f'"{words[-1]}"' in tests, f"nobody runs {path}"


@pytest.mark.parametrize("name", OPTIONS)
def test_every_option_is_used_by_a_test_or_taught_by_a_document(name: str) -> None:
    _, option = OPTIONS[name]
    texts = written_for_people() + text_of_tests()
    assert any(re.search(rf"{spelled}\b", texts) for spelled in option.opts), f"nobody uses {name}"


def settings() -> Iterator[str]:
    for file, tree in shipped().items():
        if file.startswith("config/") and file.count("/") == 1:
            for node in tree.body:
                if isinstance(node, ast.ClassDef):
                    yield from (f"{node.name}.{name}" for name in _fields(node))


def _fields(node: ast.ClassDef) -> Iterator[str]:
    for line in node.body:
        if isinstance(line, ast.AnnAssign) and isinstance(line.target, ast.Name):
            yield line.target.id


def _read_names(tree: ast.AST) -> set[str]:
    return {
        node.attr
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Load)
    }


def test_every_setting_is_read_by_code_that_acts_on_it() -> None:
    read = {
        name
        for file, tree in shipped().items()
        if not file.startswith("config/")
        for name in _read_names(tree)
    }
    for _ in range(3):  # a property of the settings that is read reads the settings it is made of
        for file, tree in shipped().items():
            for node in ast.walk(tree) if file.startswith("config/") else ():
                if isinstance(node, ast.FunctionDef) and node.name in read:
                    read |= _read_names(node)
    read |= page_attributes()
    unread = [one for one in settings() if one.partition(".")[2] not in read]
    assert [one for one in unread if one not in UNREAD_SETTINGS] == [], "settings that nothing reads"


def _messages(file: str) -> list[str]:
    values = {node.name for _, node in classes(("Enum",))}
    tree = shipped()[file]
    return [node.name for node in tree.body if isinstance(node, ast.ClassDef) and node.name not in values]


@pytest.mark.parametrize("file", ["edge/messages.py", "firmware_bridge/link/messages.py"])
def test_every_message_is_made_and_understood_by_what_ships(file: str) -> None:
    made, understood = set[str](), set[str]()
    for name, tree in shipped().items():
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and not name.startswith(SIMULATED):
                made.add(last_name(node.func))
                if last_name(node.func) == "isinstance":
                    understood |= {
                        last_name(one) for one in ast.walk(node.args[1]) if isinstance(one, ast.expr)
                    }
            if isinstance(node, ast.MatchClass):
                understood.add(last_name(node.cls))
            if isinstance(node, ast.Dict):  # a table of handlers, by message
                understood |= {last_name(key) for key in node.keys if key is not None}
    from_device = _coded_in_c() if file.startswith("firmware_bridge") else set()
    assert [one for one in _messages(file) if one not in made | from_device] == [], (
        "messages that nobody makes"
    )
    assert [one for one in _messages(file) if one not in understood] == [], "messages that nobody understands"


def _coded_in_c() -> set[str]:
    """Give the names of messages that the firmware makes, as this code writes them."""
    sources = (CHECKOUT / "firmware_bridge/firmware").rglob("*.[ch]")
    words = set(re.findall(r"\w+", "\n".join(file.read_text(encoding="utf-8") for file in sources)))
    return {
        "".join(part.capitalize() for part in word.lower().split("_")[1:]) for word in words if "_" in word
    }


def test_every_member_of_every_enumeration_is_named_by_what_ships() -> None:
    named = Counter(
        (last_name(node.value), node.attr)
        for tree in shipped().values()
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute)
    )
    unused = []
    for file, node in classes(("Enum", "Choices")):
        members = [line.targets[0] for line in node.body if isinstance(line, ast.Assign)]
        names = [target.id for target in members if isinstance(target, ast.Name)]
        unused += [f"{file} {node.name}.{name}" for name in names if not named[node.name, name]]
    assert [one for one in unused if one.split()[1].split(".")[0] not in UNUSED_MEMBERS] == []


def test_every_page_of_the_ledger_is_linked_or_documented() -> None:
    code = "\n".join(
        file.read_text(encoding="utf-8")
        for file in (CHECKOUT / "cloud_sync/ledger").rglob("*")
        if file.suffix in (".py", ".html") and file.name != "urls.py"
    )
    for file, tree in shipped().items():
        for call in ast.walk(tree) if file.endswith("urls.py") else ():
            if isinstance(call, ast.Call) and last_name(call.func) == "path":
                address, *names = [
                    str(one.value)
                    for one in (call.args[0], *(keyword.value for keyword in call.keywords))
                    if isinstance(one, ast.Constant)
                ]
                linked = any(re.search(rf"""["']{name}["']""", code) for name in names)
                assert linked or address in written_for_people(), f"nothing leads to /{address}"


def test_every_page_of_the_panel_is_linked_somewhere() -> None:
    pages = [file for file in (CHECKOUT / "edge/panel").rglob("*") if file.suffix in (".html", ".js")]
    linking = "\n".join(file.read_text(encoding="utf-8") for file in pages) + written_for_people()
    for address in _addresses():
        assert address in linking, f"nothing leads to the panel's {address}"


def _addresses() -> list[str]:
    calls = [node for node in ast.walk(shipped()["edge/panel/app.py"]) if isinstance(node, ast.Call)]
    routes = [call for call in calls if last_name(call.func) in ("Route", "Mount")]
    return [str(call.args[0].value) for call in routes if isinstance(call.args[0], ast.Constant)]


def test_every_function_and_class_that_ships_is_used_by_what_ships() -> None:
    used = Counter(name for tree in shipped().values() for name in _names(tree))
    used.update(page_words())
    unused = [
        f"{file} {node.name}"
        for file, tree in shipped().items()
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
        and not used[node.name]
        and not _is_registered(node)
        and node.name not in CALLED_FROM_OUTSIDE | FOR_TESTS_ALONE.keys()
    ]
    assert unused == [], "move what only tests use to tests/, and remove what nobody uses"


def _names(tree: ast.AST) -> Iterator[str]:
    """Give each name that is used, and each word of a text that is no docstring."""
    for node in ast.walk(tree):
        match node:
            case (
                ast.Name(id=name)
                | ast.Attribute(attr=name)
                | ast.alias(name=name)
                | ast.keyword(arg=str(name))
            ):
                yield from name.split(".")
            case ast.Constant(value=str(text)) if not re.search(r"\s\w+\s", text):
                yield from re.findall(r"\w+", text)
            case ast.Constant(value=str(text)) if "import " in text:
                yield from re.findall(r"\w+", text)


def _is_registered(node: ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) -> bool:
    """Tell whether a decorator hands it to somebody: a command to click, say; or Python calls it itself."""
    called = (one.func if isinstance(one, ast.Call) else one for one in node.decorator_list)
    handing = {"command", "group", "callback", "register", "result_callback", "receiver"}
    handing |= {"get", "post"}  # a router of the API
    dunder = node.name.startswith("__") or re.match(r"(visit|do|test)_", node.name) is not None
    return dunder or any(last_name(one) in handing for one in called)


def test_what_is_left_out_here_is_still_there() -> None:
    defined = {
        node.name
        for tree in shipped().values()
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
    }
    assert sorted((CALLED_FROM_OUTSIDE | FOR_TESTS_ALONE.keys() | UNUSED_MEMBERS.keys()) - defined) == []
