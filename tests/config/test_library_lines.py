"""Lines that libraries write past our logging: each kind once, bounded, and none of ours lost."""

from __future__ import annotations

import subprocess
import sys

from config.process.library_lines import ALIKE_S, MOST_KINDS, MOST_LETTERS, Digest


class Told:
    def __init__(self) -> None:
        self.at = 0.0
        self.lines: list[str] = []
        self.digest = Digest(self.lines.append, lambda: self.at)


def test_lines_that_differ_only_in_numbers_are_logged_once_an_hour_and_then_counted() -> None:
    told = Told()
    for number in range(100):
        told.digest.feed(f"[mjpeg @ 0x7f{number:02x}] overread {number}\n".encode())
    assert told.lines == ["[mjpeg @ 0x7f00] overread 0"]
    told.at = ALIKE_S
    told.digest.feed(b"[mjpeg @ 0x1] overread 7\n")
    assert told.lines[1:] == ["99 more such lines of libraries", "[mjpeg @ 0x1] overread 7"]


def test_kinds_of_lines_and_their_length_are_bounded() -> None:
    told = Told()
    for number in range(3 * MOST_KINDS):
        told.digest.feed(f"{'x' * number}!\n".encode())
    assert len(told.lines) == MOST_KINDS
    other = Told()
    other.digest.feed(b"y" * 10 * MOST_LETTERS)
    assert [len(line) for line in other.lines] == [MOST_LETTERS]


def test_a_line_may_come_in_pieces_and_need_not_be_text() -> None:
    told = Told()
    for piece in (b"Corrupt JPEG", b" data\n\n  \n", b"\xff\xfe bad\n"):
        told.digest.feed(piece)
    assert told.lines == ["Corrupt JPEG data", "\ufffd\ufffd bad"]


PROGRAM = """
import logging, os, sys
from config.process.library_lines import library_lines
logging.basicConfig(level=logging.INFO, format="%(message)s")
with library_lines():
    for number in range(50):
        os.write(2, b"Corrupt JPEG data: %d extraneous bytes\\n" % number)
    logging.info("of our own")
    print("printed", file=sys.stderr)
os.write(2, b"afterwards\\n")
raise SystemExit("the end")
"""


def test_a_process_logs_a_librarys_line_once_and_all_its_own_lines() -> None:
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=False)
    lines = done.stderr.splitlines()
    assert sorted(lines[:-2]) == [
        "a library says: 49 more such lines of libraries",
        "a library says: Corrupt JPEG data: 0 extraneous bytes",
        "of our own",
        "printed",
    ]
    assert lines[-2:] == ["afterwards", "the end"]
