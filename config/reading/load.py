"""Read a TOML file into a typed record, or say in one line which key is wrong and how to mend it."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable
from difflib import get_close_matches
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from config.errors import InputError
from config.reading.files import text_of, unreadable
from config.reading.private import warn_of_writers

Record = TypeVar("Record", bound=msgspec.Struct)

MAX_FILE_BYTES = 1 << 20
"""A configuration larger than this is a mistake, and is refused before it is read."""

_AT = re.compile(r" - at (?P<key>`key` in )?`\$(?P<path>[^`]*)`$")
_UNKNOWN = re.compile(r"unknown field `(?P<name>[^`]+)`")
_MISSING = re.compile(r"missing required field `(?P<name>[^`]+)`")
_PATTERN = "matching regex"
"""Part of msgspec's message for a text that does not match its pattern; not readable for a person."""
_ANY_KEY = "[...]"
"""How msgspec writes a key of a table with free keys."""


def load_toml(
    path: Path,
    record: type[Record],
    guard: Callable[[Path], None] = warn_of_writers,
    *,
    named_by: str = "--config",
    prepare: Callable[[dict[str, Any]], dict[str, Any]] = lambda data: data,
) -> Record:
    """Read the file into a `record`; InputError names the file, the whole key path and the mend.

    `guard` checks the file's permissions once it is known to exist. `named_by` is the option, or another
    file's key, that named this file. `prepare` fills in defaults that `record` cannot express.
    """
    return convert(prepare(_parse(path, guard, named_by)), record, str(path))


def convert(data: dict[str, Any], record: type[Record], source: str) -> Record:
    """Convert plain TOML data to a `record`; `source` names the file in errors."""
    try:
        return msgspec.convert(data, record, strict=True)
    except msgspec.ValidationError as error:
        raise _explain(str(error), data, record, source) from None


def _parse(path: Path, guard: Callable[[Path], None], named_by: str) -> dict[str, Any]:
    try:
        with path.open("rb") as file:  # read no more than the limit: a pipe has no size and no end
            data = file.read(MAX_FILE_BYTES + 1)
    except FileNotFoundError:
        raise InputError(f"no file {path}", f"create it, or name another with {named_by}") from None
    except OSError as error:
        raise unreadable(path, error) from None
    guard(path)
    if len(data) > MAX_FILE_BYTES:
        raise InputError(f"{path} is larger than {MAX_FILE_BYTES} bytes", "name a configuration file")
    try:
        return tomllib.loads(text_of(data, str(path)))
    except tomllib.TOMLDecodeError as error:
        raise InputError(f"{path} is not TOML: {error}", "mend that line") from None


def _explain(message: str, data: dict[str, Any], record: type[Record], source: str) -> InputError:
    at = _AT.search(message)
    path = _with_keys_named(at["path"].lstrip("."), message, data, record) if at else ""
    said = _AT.sub("", message)
    if unknown := _UNKNOWN.search(said):
        key = _join(path, unknown["name"])
        return InputError(
            f"{source}: unknown key {key}", _choose(unknown["name"], _fields_at(record, path, data))
        )
    if missing := _MISSING.search(said):
        return InputError(f"{source}: missing key {_join(path, missing['name'])}", "add it")
    is_key = at is not None and at["key"] is not None
    found = None if is_key else _value_at(data, path)
    shown = "" if found is None else f", found {found!r}"
    if _PATTERN in said and (described := _in_words(record, path, data)):
        return InputError(f"{source}: {path}: {found!r} is not {described}", "mend the value")
    what = f"{source}: {path or 'the file'}: {said[0].lower()}{said[1:]}{shown}"
    return InputError(what, "mend the key" if is_key else _advice_for_value(found, record, path, data))


def _in_words(record: type[msgspec.Struct], path: str, data: dict[str, Any]) -> str:
    """Return the description of a value's pattern; empty if it has none."""
    wanted = _type_at(record, path, data) if path else None
    if not isinstance(wanted, msgspec.inspect.Metadata):
        return ""
    return str((wanted.extra_json_schema or {}).get("description", ""))


def _join(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name


def _parts(path: str) -> list[str]:
    return re.findall(r"[^.\[\]]+", path)


def _with_keys_named(path: str, message: str, data: dict[str, Any], record: type[Record]) -> str:
    """Replace each `[...]` by the key at fault: the key that alone causes the same error."""
    while _ANY_KEY in path:
        table, rest = path.split(_ANY_KEY, 1)
        keys = _value_at(data, table)
        guilty = (key for key in keys if _fails_alike(_with_only(data, _parts(table), key), record, message))
        path = f"{table}.{next(guilty, '*')}{rest}"
    return path


def _with_only(data: Any, parts: list[str], key: str) -> Any:  # noqa: ANN401 (TOML is any of its types)
    if not parts:
        return {key: data[key]}
    if isinstance(data, dict):
        return data | {parts[0]: _with_only(data[parts[0]], parts[1:], key)}
    number = int(parts[0])
    return [*data[:number], _with_only(data[number], parts[1:], key), *data[number + 1 :]]


def _fails_alike(data: dict[str, Any], record: type[Record], message: str) -> bool:
    try:
        msgspec.convert(data, record, strict=True)
    except msgspec.ValidationError as error:
        return str(error) == message
    return False


def _advice_for_value(found: object, record: type[msgspec.Struct], path: str, data: dict[str, Any]) -> str:
    wanted = _type_at(record, path, data)
    if isinstance(wanted, msgspec.inspect.EnumType) and isinstance(found, str):
        return _choose(found, [str(one.value) for one in wanted.cls])
    if isinstance(wanted, msgspec.inspect.LiteralType) and isinstance(found, str):
        return _choose(found, [str(one) for one in wanted.values])
    return "mend the value"


def _choose(wrong: str, known: list[str]) -> str:
    if close := get_close_matches(wrong, known, n=1):
        return f"did you mean {close[0]}?"
    return f"known here: {', '.join(known)}"


def _fields_at(record: type[msgspec.Struct], path: str, data: dict[str, Any]) -> list[str]:
    """Return the key names that a record accepts at a key path such as `bin[0].lid`."""
    info = _type_at(record, path, data)
    return (
        [field.encode_name for field in info.fields] if isinstance(info, msgspec.inspect.StructType) else []
    )


def _type_at(record: type[msgspec.Struct], path: str, data: dict[str, Any]) -> msgspec.inspect.Type | None:
    """Return the type at a key path. `data` decides if a table may be one of several."""
    info: msgspec.inspect.Type | None = msgspec.inspect.type_info(record)
    value: Any = data
    for part in _parts(path):
        info = _inside(info, part, value)
        value = _value_at(value, part)
    return _meant(info, value)


def _inside(
    info: msgspec.inspect.Type | None,
    part: str,
    value: Any,  # noqa: ANN401 (as above)
) -> msgspec.inspect.Type | None:
    if (tags := _tags(info, part)) is not None:
        return tags
    match _meant(info, value):
        case msgspec.inspect.StructType(fields=fields):
            return next((field.type for field in fields if field.encode_name == part), None)
        case msgspec.inspect.DictType(value_type=inner):
            return inner
        case msgspec.inspect.ListType(item_type=inner) | msgspec.inspect.VarTupleType(item_type=inner):
            return inner
    return None


def _tags(info: msgspec.inspect.Type | None, part: str) -> msgspec.inspect.LiteralType | None:
    """Return the kinds that a table may have, if the key `part` is the one that names its kind."""
    tables = [kind for kind in _kinds(info) if isinstance(kind, msgspec.inspect.StructType)]
    names = [str(table.tag) for table in tables if table.tag_field == part]
    return msgspec.inspect.LiteralType(tuple(names)) if names else None


def _meant(info: msgspec.inspect.Type | None, value: Any) -> msgspec.inspect.Type | None:  # noqa: ANN401 (as above)
    """Return the type that is not None; of several tables, the one of the value's kind."""
    kinds = _kinds(info)
    for kind in kinds:
        if not isinstance(kind, msgspec.inspect.StructType) or kind.tag_field is None:
            continue
        if isinstance(value, dict) and value.get(kind.tag_field) == kind.tag:
            return kind
    return kinds[0] if kinds else None


def _kinds(info: msgspec.inspect.Type | None) -> list[msgspec.inspect.Type]:
    kinds = info.types if isinstance(info, msgspec.inspect.UnionType) else (info,)
    return [kind for kind in kinds if kind is not None and not isinstance(kind, msgspec.inspect.NoneType)]


def _value_at(data: Any, path: str) -> Any:  # noqa: ANN401 (TOML is any of its types)
    for part in _parts(path):
        if isinstance(data, dict):
            data = data.get(part)
        elif isinstance(data, list) and part.isdigit() and int(part) < len(data):
            data = data[int(part)]
        else:
            return None
    return data
