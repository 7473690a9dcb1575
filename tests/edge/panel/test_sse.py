"""The stream of updates, over a real server."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from time import monotonic

import httpx
import pytest

from edge.panel.sse import MOST_STREAMS
from edge.screen.state import STATE_FILE, STATE_STALE_S
from tests.edge.panel.conftest import Panel, running
from tests.edge.panel.scenes import NOW, SCENES, live
from tests.waiting import WITHIN_S, until


class Stream:
    """One watcher's events, each as its name and data."""

    def __init__(self, response: httpx.Response) -> None:
        self.response = response
        self._lines = response.iter_lines()

    def next(self) -> tuple[str, dict[str, str]]:
        """Wait for the next event; httpx's read timeout is the deadline."""
        name = ""
        for line in self._lines:
            if line.startswith("event: "):
                name = line.removeprefix("event: ")
            if line.startswith("data: "):
                return name, json.loads(line.removeprefix("data: "))
        return "end", {}

    def screen(self, wanted: Callable[[str], bool]) -> str:
        """Wait for a screen as wanted, with a deadline."""
        deadline = monotonic() + WITHIN_S
        while monotonic() < deadline:
            name, data = self.next()
            if name == "screen" and wanted(data["html"]):
                return data["html"]
        raise AssertionError("no such screen in time")


@contextmanager
def watching(panel: Panel, language: str = "en") -> Iterator[Stream]:
    with (
        httpx.Client(timeout=WITHIN_S) as client,
        client.stream("GET", f"{panel.url}/events?lang={language}") as response,
    ):
        yield Stream(response)


def down(html: str) -> bool:
    return 'data-away="true"' in html


def test_a_watcher_is_told_at_once_what_the_screen_shows(panel: Panel) -> None:
    panel.folder.write_state(SCENES["right"]())
    with watching(panel) as stream:
        assert stream.response.headers["content-type"].startswith("text/event-stream")
        name, data = stream.next()
    assert name == "screen"
    assert "Right bin" in data["html"]


def test_the_stream_is_in_the_language_that_was_asked(panel: Panel) -> None:
    panel.folder.write_state(SCENES["right"]())
    with watching(panel, "zh") as stream:
        assert "投对了" in stream.next()[1]["html"]


def test_a_change_is_sent_to_every_watcher(panel: Panel) -> None:
    panel.folder.write_state(live())
    with watching(panel) as first, watching(panel, "zh") as second:
        first.next()
        second.next()
        panel.folder.write_state(SCENES["wrong"]())
        first.screen(lambda html: "Stand clear" in html)
        second.screen(lambda html: "小心桶盖" in html)


def test_without_a_change_only_a_beat_is_sent(panel: Panel) -> None:
    with watching(panel) as stream:
        assert [stream.next()[0] for _ in range(2)] == ["screen", "beat"]


def test_a_station_that_stops_and_starts_again_is_followed(panel: Panel) -> None:
    panel.folder.write_state(live())
    with watching(panel) as stream:
        stream.screen(lambda html: not down(html))
        (panel.path / STATE_FILE).unlink()
        stream.screen(down)
        panel.folder.write_state(live())
        stream.screen(lambda html: not down(html))


def test_a_station_that_falls_silent_is_said_to_be_down(tmp_path: Path) -> None:
    present = [NOW]
    with running(tmp_path, now=lambda: present[0]) as panel:
        panel.folder.write_state(live())
        with watching(panel) as stream:
            stream.screen(lambda html: not down(html))
            present[0] += STATE_STALE_S + 1
            stream.screen(down)


def test_one_watcher_too_many_gets_a_clear_answer_until_another_leaves(panel: Panel) -> None:
    with ExitStack() as watchers:
        streams = [watchers.enter_context(watching(panel)) for _ in range(MOST_STREAMS - 1)]
        with watching(panel) as last:
            assert {stream.next()[0] for stream in (*streams, last)} == {"screen"}
            status, refusal = _ask(panel)
            assert status == 503
            assert f"{MOST_STREAMS} screens show this station already" in refusal
            assert "请先关闭一个" in refusal
            assert httpx.get(panel.url, timeout=WITHIN_S).status_code == 200
        until(lambda: _ask(panel)[0] == 200, "there is room again")


def _ask(panel: Panel) -> tuple[int, str]:
    with httpx.stream("GET", f"{panel.url}/events", timeout=WITHIN_S) as answer:
        return answer.status_code, next(answer.iter_text())


def test_every_stream_ends_when_the_panel_stops(tmp_path: Path) -> None:
    with ExitStack() as watchers:
        with running(tmp_path) as panel:
            stream = watchers.enter_context(watching(panel))
            stream.next()
        while (name := stream.next()[0]) != "end":
            assert name == "beat"


@pytest.mark.parametrize("scene", SCENES)
def test_an_event_is_one_line_whatever_the_station_says(panel: Panel, scene: str) -> None:
    panel.folder.write_state(SCENES[scene]())
    with httpx.stream("GET", f"{panel.url}/events", timeout=WITHIN_S) as response:
        lines = response.iter_lines()
        head = [next(lines) for _ in range(5)]
    assert head[0].startswith("retry: ")
    assert head[2:4] == ["event: screen", head[3]]
    assert head[3].startswith("data: {")
    assert head[1] == head[4] == ""
