"""An eye that does not do what an eye does: it floods, talks nonsense, or answers late."""

from __future__ import annotations

import os
import socket
import sys
import time
from collections.abc import Callable
from pathlib import Path

from edge.eye.protocol import (
    BinChanged,
    EyeReport,
    PhotosReady,
    Sees,
    TakePhotos,
    WatchBin,
    eye_request_in,
    packed,
)
from edge.local.protocol import BEAT_S, Beat

LATE_S = 20.0


def _say(station: socket.socket, report: EyeReport) -> None:
    station.send(packed(report))


def flood(station: socket.socket) -> None:
    while True:
        _say(station, BinChanged("kitchen", time.monotonic()))


def garbage(station: socket.socket) -> None:
    while True:
        station.send(b'{"say": "judged", "verdict": [[[')
        time.sleep(BEAT_S)


def late(station: socket.socket) -> None:
    """Sees what falls in as soon as the lid is open, and answers all else too late."""
    station.settimeout(BEAT_S)
    _say(station, Sees())
    due: list[tuple[float, int]] = []
    while True:
        try:
            request = eye_request_in(station.recv(4096))
        except TimeoutError:
            request = None
        now = time.monotonic()
        match request:
            case WatchBin(bin_id, is_open=True):
                _say(station, BinChanged(bin_id, now))
            case TakePhotos(number):
                due.append((now + LATE_S, number))
        for _, number in [one for one in due if one[0] <= now]:
            _say(station, PhotosReady(number, 100.0))
        due = [one for one in due if one[0] > now]
        _say(station, Beat())


WRONG: dict[str, Callable[[socket.socket], None]] = {"flood": flood, "garbage": garbage, "late": late}


def main(wrong: str, path: Path) -> None:
    path.unlink(missing_ok=True)
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as listener:
        listener.bind(os.fspath(path))
        listener.listen()
        while True:
            station, _ = listener.accept()
            with station:
                try:
                    WRONG[wrong](station)
                except OSError:
                    continue


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
