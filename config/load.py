"""Read a TOML file into a typed record, or say in one line which key is wrong and how to mend it."""

from __future__ import annotations

import re
import tomllib
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec

from config.errors import InputError

if TYPE_CHECKING:
    from pathlib import Path

Record = TypeVar("Record", bound=msgspec.Struct)

MAX_FILE_BYTES = 1 << 20
"""A configuration larger than this is a mistake, and is refused before it is read."""

_AT = re.compile(r" - at `\$(?P<path>[^`]*)`$")
_UNKNOWN = re.compile(r"unknown field `(?P<name>[^`]+)`")
_MISSING = re.compile(r"missing required field `(?P<name>[^`]+)`")


def load_toml(path: Path, record: type[Record]) -> Record:
    """The file as a `record`; InputError names the file, the whole key path and the mend."""
    return convert(_parse(path), record, str(path))


def convert(data: dict[str, Any], record: type[Record], source: str) -> Record:
    """Plain TOML data as a `record`; `source` names the file in the error."""
    try:
        return msgspec.convert(data, record, strict=True)
    except msgspec.ValidationError as error:
        raise _explain(str(error), data, record, source) from None


def _parse(path: Path) -> dict[str, Any]:
    try:
        if path.stat().st_size > MAX_FILE_BYTES:
            raise InputError(f"{path} is larger than {MAX_FILE_BYTES} bytes", "name a configuration file")
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise InputError(f"no file {path}", "create it, or name another with --config") from None
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path} cannot be read ({error})", "mend its rights or name another file") from None
    except tomllib.TOMLDecodeError as error:
        raise InputError(f"{path} is not TOML: {error}", "mend that line") from None


def _explain(message: str, data: dict[str, Any], record: type[Record], source: str) -> InputError:
    at = _AT.search(message)
    path = at["path"].lstrip(".") if at else ""
    said = _AT.sub("", message)
    if unknown := _UNKNOWN.search(said):
        key = _join(path, unknown["name"])
        return InputError(f"{source}: unknown key {key}", _advice_for_unknown(unknown["name"], path, record))
    if missing := _MISSING.search(said):
        return InputError(f"{source}: missing key {_join(path, missing['name'])}", "add it")
    found = _value_at(data, path)
    shown = "" if found is None else f", found {found!r}"
    return InputError(f"{source}: {path or 'the file'}: {said[0].lower()}{said[1:]}{shown}", "mend the value")


def _join(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name


def _advice_for_unknown(name: str, path: str, record: type[msgspec.Struct]) -> str:
    known = _fields_at(record, path)
    if close := get_close_matches(name, known, n=1):
        return f"did you mean {close[0]}?"
    return f"known here: {', '.join(known)}"


def _fields_at(record: type[msgspec.Struct], path: str) -> list[str]:
    """The key names a record accepts at a key path such as `bin[0].lid`."""
    info: msgspec.inspect.Type = msgspec.inspect.type_info(record)
    for part in filter(None, re.split(r"\.|\[\d+\]|\[\.\.\.\]", path)):
        found = next((f.type for f in _struct(info).fields if f.encode_name == part), None)
        if found is None:
            return []
        info = found
    return [field.encode_name for field in _struct(info).fields]


def _struct(info: msgspec.inspect.Type) -> msgspec.inspect.StructType:
    if isinstance(info, msgspec.inspect.UnionType):
        info = next(kind for kind in info.types if not isinstance(kind, msgspec.inspect.NoneType))
    if isinstance(info, (msgspec.inspect.ListType, msgspec.inspect.VarTupleType)):
        return _struct(info.item_type)
    if not isinstance(info, msgspec.inspect.StructType):
        msg = f"{info} has no keys"
        raise TypeError(msg)
    return info


def _value_at(data: object, path: str) -> object:
    for part in filter(None, re.split(r"\.|\[|\]", path)):
        if isinstance(data, dict):
            data = data.get(part)
        elif isinstance(data, list) and part.isdigit() and int(part) < len(data):
            data = data[int(part)]
        else:
            return None
    return data
