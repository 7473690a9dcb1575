"""The panel as a process: its address, and how it stops."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import httpx
import pytest

from config.errors import InputError
from edge.panel.serve import BOUNDS, listen
from tests.waiting import WITHIN_S, answers, until

SERVE = """
import sys
from pathlib import Path
from edge.station_file import load_station
from edge.panel.serve import serve
serve(load_station(Path(sys.argv[1])), "127.0.0.1", int(sys.argv[2]))
"""

STATION = """
[station]
community = "sunny-garden"
name = "station-3"
devices = "simulated"
state_dir = "state"
runtime_dir = "run"
language = "en"
[model]
sorting = "beijing"
[[reader]]
id = "front"
[[bin]]
id = "kitchen"
category = "kitchen"
reader = "front"
"""


@contextmanager
def process(folder: Path, port: int) -> Iterator[subprocess.Popen[bytes]]:
    configuration = folder / "station.toml"
    configuration.write_text(STATION, encoding="utf-8")
    command = [sys.executable, "-c", SERVE, str(configuration), str(port)]
    with subprocess.Popen(command, stderr=subprocess.PIPE) as started:
        try:
            page = f"http://127.0.0.1:{port}/"
            until(lambda: answers(page) or started.poll() is not None, "the panel answers")
            assert started.poll() is None
            yield started
        finally:
            started.kill()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_stops_it_quietly_though_a_screen_still_watches(
    tmp_path: Path, free_port: Callable[[], int], number: signal.Signals
) -> None:
    port = free_port()
    with (
        process(tmp_path, port) as panel,
        httpx.stream("GET", f"http://127.0.0.1:{port}/events", timeout=WITHIN_S) as stream,
    ):
        chunks = stream.iter_bytes()
        next(chunks)
        panel.send_signal(number)
        for _ in chunks:
            pass
        assert panel.wait(WITHIN_S) == 0
        assert panel.stderr is not None
        assert panel.stderr.read() == b""


def test_it_shows_the_language_of_the_settings_before_the_station_runs(
    tmp_path: Path, free_port: Callable[[], int]
) -> None:
    port = free_port()
    with process(tmp_path, port):
        page = httpx.get(f"http://127.0.0.1:{port}/", timeout=WITHIN_S).text
    assert '<html lang="en">' in page
    assert 'data-away="true"' in page


def test_a_screen_is_shown_though_a_stranger_holds_all_the_connections_it_can(
    tmp_path: Path, free_port: Callable[[], int]
) -> None:
    port = free_port()
    with process(tmp_path, port), ExitStack() as stack:
        for _ in range(3 * BOUNDS.connections):
            held = stack.enter_context(socket.create_connection(("127.0.0.1", port), WITHIN_S))
            with suppress(ConnectionError):
                held.sendall(b"GET / HTTP/1.1\r\nX: ")
        assert httpx.get(f"http://127.0.0.1:{port}/", timeout=WITHIN_S).status_code == 200


def test_it_starts_again_at_once_on_the_port_it_had(tmp_path: Path, free_port: Callable[[], int]) -> None:
    port = free_port()
    for _ in range(2):
        with process(tmp_path, port) as panel:
            panel.terminate()
            assert panel.wait(WITHIN_S) == 0


def test_a_port_in_use_is_named_with_the_way_to_choose_another() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(InputError) as refused:
            listen("127.0.0.1", port)
    assert refused.value.what == f"port {port} on 127.0.0.1 is in use"
    assert "--port" in refused.value.mend


@pytest.mark.parametrize("host", ["192.0.2.1", "no.such.host.invalid"])
def test_a_host_that_is_not_this_machine_is_refused_with_its_option(host: str) -> None:
    with pytest.raises(InputError, match="--host") as refused:
        listen(host, 0)
    assert host in refused.value.what


def test_the_address_it_listens_on_is_the_one_that_was_asked() -> None:
    with listen("127.0.0.1", 0) as listener:
        assert listener.getsockname()[0] == "127.0.0.1"
