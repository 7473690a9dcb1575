"""Reads rows from a SQLite file that SQLite itself refuses: page by page, from bytes. Pure.

After a flipped bit near the root of a tree, a broken header or a truncation, SQLite gives up on rows that are
still there. Here each page that looks like the leaf of a table is read on its own. The caller must be able to
tell a real row from a false one; the journal's rows have a checksum.
Format: https://www.sqlite.org/fileformat2.html, sections 1.5, 1.6, 2.1 and 4.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator, Mapping

Value = None | int | float | bytes | str

_LEAF = 0x0D
_LEAF_HEADER = 8
_WAL_HEADER = 32
_FRAME_HEADER = 24
_WAL_MAGIC = 0x377F0682
_MAX_PAYLOAD = 256 * 1024
_INTEGERS = {1: 1, 2: 2, 3: 3, 4: 4, 5: 6, 6: 8}
"""Serial types of integers, and their size in bytes."""
_FLOAT, _ZERO, _ONE, _FIRST_BLOB = 7, 8, 9, 12


class _Unreadable(Exception):  # noqa: N818  (it never leaves this file)
    """These bytes are not a row."""


def find_rows(main: bytes, log: bytes, page_bytes: int) -> Iterator[tuple[int, tuple[Value, ...]]]:
    """Yield every row (rowid, values) on the pages of a file and its write-ahead log.

    A page that the log had committed replaces the file's; last come the log's pages after a damaged one. A
    row may come several times, and deleted rows may come too.
    """
    frames = list(_frames(log, page_bytes))
    committed = _committed(log, frames, page_bytes)
    newest = dict(frames[:committed])

    def page(number: int) -> bytes | None:
        if number in newest:
            return newest[number]
        at = (number - 1) * page_bytes
        return main[at : at + page_bytes] if 0 <= at < len(main) else None

    for number in sorted({*range(1, len(main) // page_bytes + 2), *newest}):
        yield from _rows(page(number) or b"", page)
    for _, image in frames[committed:]:
        yield from _rows(image, page)


def find_log_rows(log: bytes, page_bytes: int) -> Iterator[tuple[int, tuple[Value, ...]]]:
    """Yield every row (rowid, values) in the log's current generation, even those that SQLite would drop."""
    step = _FRAME_HEADER + page_bytes
    images = {
        number: image
        for index, (number, image) in enumerate(_frames(log, page_bytes))
        if log[_WAL_HEADER + index * step + 8 : _WAL_HEADER + index * step + 16] == log[16:24]
    }
    for image in images.values():
        yield from _rows(image, images.get)


def _frames(log: bytes, page_bytes: int) -> Iterator[tuple[int, bytes]]:
    step = _FRAME_HEADER + page_bytes
    for at in range(_WAL_HEADER, len(log) - step + 1, step):
        yield int.from_bytes(log[at : at + 4], "big"), log[at + _FRAME_HEADER : at + step]


def _committed(log: bytes, frames: list[tuple[int, bytes]], page_bytes: int) -> int:
    """Count a log's valid frames up to its last commit: the salts match, and the chain of checksums holds."""
    if len(log) < _WAL_HEADER or int.from_bytes(log[:4], "big") & ~1 != _WAL_MAGIC:
        return 0
    order = ">" if log[3] & 1 else "<"
    sums = _checksum(log[:24], order, (0, 0))
    if sums != struct.unpack(">2I", log[24:32]):
        return 0
    committed = 0
    for index, (_, image) in enumerate(frames):
        at = _WAL_HEADER + index * (_FRAME_HEADER + page_bytes)
        head = log[at : at + _FRAME_HEADER]
        sums = _checksum(image, order, _checksum(head[:8], order, sums))
        if head[8:16] != log[16:24] or sums != struct.unpack(">2I", head[16:24]):
            break
        if int.from_bytes(head[4:8], "big"):  # the file's size in pages if this frame commits, else 0
            committed = index + 1
    return committed


def _checksum(data: bytes, order: str, begin: tuple[int, int]) -> tuple[int, int]:
    one, two = begin
    words = struct.unpack(f"{order}{len(data) // 4}I", data)
    for first, second in zip(words[::2], words[1::2], strict=True):
        one = (one + first + two) & 0xFFFFFFFF
        two = (two + second + one) & 0xFFFFFFFF
    return one, two


def _rows(page: bytes, fetch: Callable[[int], bytes | None]) -> Iterator[tuple[int, tuple[Value, ...]]]:
    if len(page) < _LEAF_HEADER or page[0] != _LEAF:
        return
    cells = int.from_bytes(page[3:5], "big")
    for index in range(min(cells, (len(page) - _LEAF_HEADER) // 2)):
        at = int.from_bytes(page[_LEAF_HEADER + 2 * index : _LEAF_HEADER + 2 * index + 2], "big")
        try:
            yield _row(page, at, fetch)
        except (_Unreadable, IndexError, struct.error, UnicodeDecodeError):
            continue


def _row(page: bytes, at: int, fetch: Callable[[int], bytes | None]) -> tuple[int, tuple[Value, ...]]:
    size, at = _varint(page, at)
    rowid, at = _varint(page, at)
    if size > _MAX_PAYLOAD:
        raise _Unreadable
    return _signed(rowid), _record(_payload(page, at, size, fetch))


def _payload(page: bytes, at: int, size: int, fetch: Callable[[int], bytes | None]) -> bytes:
    """Collect a row's bytes: those on its page, then those on its chain of overflow pages."""
    usable = len(page)
    if size <= usable - 35:
        return page[at : at + size]
    least = (usable - 12) * 32 // 255 - 23
    local = least + (size - least) % (usable - 4)
    local = local if local <= usable - 35 else least
    payload, following = page[at : at + local], int.from_bytes(page[at + local : at + local + 4], "big")
    while len(payload) < size:
        piece = fetch(following)
        if piece is None or len(piece) <= 4:  # noqa: PLR2004 (the next page's number, then bytes)
            raise _Unreadable
        payload += piece[4 : 4 + size - len(payload)]
        following = int.from_bytes(piece[:4], "big")
    return payload


def _record(payload: bytes) -> tuple[Value, ...]:
    header, at = _varint(payload, 0)
    types = []
    while at < header:
        kind, at = _varint(payload, at)
        types.append(kind)
    values = []
    for kind in types:
        value, at = _value(payload, at, kind)
        values.append(value)
    return tuple(values)


def _value(payload: bytes, at: int, kind: int) -> tuple[Value, int]:
    constants: Mapping[int, Value] = {0: None, _ZERO: 0, _ONE: 1}
    if kind in constants:
        return constants[kind], at
    if kind in _INTEGERS:
        end = at + _INTEGERS[kind]
        return int.from_bytes(payload[at:end], "big", signed=True), end
    if kind == _FLOAT:
        return struct.unpack_from(">d", payload, at)[0], at + 8
    if kind < _FIRST_BLOB:
        raise _Unreadable
    end = at + (kind - _FIRST_BLOB) // 2
    if end > len(payload):
        raise _Unreadable
    return payload[at:end].decode() if kind % 2 else payload[at:end], end


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value = 0
    for index in range(8):
        byte = data[at + index]
        value = value << 7 | byte & 0x7F
        if byte < 0x80:  # noqa: PLR2004 (the high bit says that more follows)
            return value, at + index + 1
    return value << 8 | data[at + 8], at + 9


def _signed(value: int) -> int:
    return value - 2**64 if value >= 2**63 else value
