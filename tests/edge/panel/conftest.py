"""A panel over a folder: the application alone, served on a real port, and looked at by a browser."""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import pytest
from starlette.applications import Starlette

from config.reading.load_sorting import load_sorting
from config.station import Language
from config.words import load_words
from edge.panel.app import create_app
from edge.panel.names import names_of
from edge.panel.serve import PanelServer, listen
from edge.screen.state import LiveFolder
from tests.edge.panel.scenes import NOW
from tests.waiting import WITHIN_S


@dataclass(frozen=True)
class Panel:
    """A running panel: its address, and the folder that a station would write to."""

    url: str
    path: Path
    folder: LiveFolder


def application(
    path: Path,
    city: str = "beijing",
    now: Callable[[], float] = lambda: NOW,
    framed_by: Collection[str] = (),
) -> Starlette:
    names, sorting = names_of("gate", {"testserver"}), load_sorting(city)
    return create_app(
        path, load_words(), sorting, Language.CHINESE, names=names, framed_by=framed_by, now=now
    )


@contextmanager
def running(
    path: Path,
    port: int = 0,
    city: str = "beijing",
    now: Callable[[], float] = lambda: NOW,
    framed_by: Collection[str] = (),
) -> Iterator[Panel]:
    """Serve a folder until the block ends; the server has stopped when it does."""
    listener = listen("127.0.0.1", port)
    bound: int = listener.getsockname()[1]
    server = PanelServer(application(path, city, now, framed_by))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    try:
        yield Panel(f"http://127.0.0.1:{bound}", path, LiveFolder(path))
    finally:
        server.should_exit = True
        thread.join(WITHIN_S)
        listener.close()
        assert not thread.is_alive()


@pytest.fixture
def panel(tmp_path: Path) -> Iterator[Panel]:
    with running(tmp_path) as panel:
        yield panel


@pytest.fixture
def jpeg() -> bytes:
    """Give a picture that a browser can draw."""
    _, encoded = cv2.imencode(".jpg", np.full((48, 64, 3), 128, np.uint8))
    return encoded.tobytes()
