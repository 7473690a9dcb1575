"""The whole house, started the way a person starts it: real processes, a real broker, real files."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from config.sorting import Category
from models.pixels import Rgb, encode_jpeg
from scripts.demonstration.folder import Folder
from scripts.testbed.ports import free_ports
from tests.programs import TONGZHAN, descendants, still_running
from tests.waiting import COMMAND_WITHIN_S, answers, fetch, until

KEYS = [
    "visits",
    "deposits",
    "classified",
    "unsure",
    "right",
    "held",
    "lowered",
    "provisional_points",
    "settled_points",
    "ledger_points",
    "lost",
    "twice",
    "tap_to_lid_ms",
    "day",
]


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Pictures that any machine can make: shaded blobs on a tray, which the model takes for some waste."""
    folder = tmp_path_factory.mktemp("photos")
    rng = np.random.default_rng(7)
    for category in Category:
        (folder / category).mkdir()
        for number in range(3):
            (folder / category / f"{number}.jpg").write_bytes(encode_jpeg(blobs(rng)))
    return folder


def blobs(rng: np.random.Generator) -> Rgb:
    y, x = np.mgrid[:240, :320]
    picture = np.full((240, 320, 3), 200.0) + rng.normal(0, 3, (240, 320, 1))
    for _ in range(3):
        across, down = x - rng.uniform(90, 230), y - rng.uniform(70, 170)
        inside = 1 - (across / rng.uniform(30, 80)) ** 2 - (down / rng.uniform(30, 80)) ** 2
        shade = 0.4 + 0.6 * np.clip(inside, 0, 1)[..., None]
        stripes = 40 * np.sin(across / rng.uniform(3, 9))[..., None]
        picture = np.where(inside[..., None] > 0, rng.uniform(20, 230, 3) * shade + stripes, picture)
    return np.clip(picture, 0, 255).astype(np.uint8)


@pytest.fixture
def ports() -> int:
    """The first of five ports in a row that nobody listens on."""
    return free_ports(5)


def command(state: Path, photos: Path, *more: str) -> list[str]:
    return [*TONGZHAN, "demo", "--state", str(state), "--photos", str(photos), *more]


def headless(state: Path, photos: Path, visits: int, seed: int = 1) -> dict[str, Any]:
    done = subprocess.run(
        command(state, photos, "--headless", "--json", "--visits", str(visits), "--seed", str(seed)),
        capture_output=True,
        text=True,
        timeout=COMMAND_WITHIN_S,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    counts: dict[str, Any] = json.loads(done.stdout)
    return counts


def test_every_event_of_a_headless_demo_arrives_once_and_every_point_is_accounted_for(
    tmp_path: Path, photos: Path
) -> None:
    counts = headless(tmp_path, photos, 12)
    assert list(counts) == KEYS
    assert counts["visits"] == 12
    assert counts["deposits"] == counts["classified"] > 0
    assert counts["lost"] == counts["twice"] == 0
    assert counts["provisional_points"] > 0
    accounted = counts["settled_points"] + counts["held"] + counts["lowered"]
    assert accounted == counts["provisional_points"]
    assert counts["ledger_points"] == counts["settled_points"] + counts["held"]
    assert 0 < sum(of["things"] for of in counts["day"].values()) <= counts["deposits"]
    assert 0 < counts["tap_to_lid_ms"]["p50"] <= counts["tap_to_lid_ms"]["p99"]


def test_a_demo_that_was_killed_is_made_whole_by_the_next(tmp_path: Path, photos: Path) -> None:
    running = subprocess.Popen(
        command(tmp_path, photos, "--headless", "--visits", "5000"), stdout=subprocess.PIPE, text=True
    )
    assert running.stdout is not None
    for line in running.stdout:
        if line.lstrip().startswith("6 "):
            break
    running.kill()
    running.wait()
    running.stdout.close()
    counts = headless(tmp_path, photos, 3, seed=2)
    assert counts["lost"] == counts["twice"] == 0  # looks at everything the journal ever held
    verified = subprocess.run(
        [*TONGZHAN, "ledger", "verify", "--json", "--config", str(tmp_path / "ledger.toml")],
        capture_output=True,
        text=True,
        timeout=COMMAND_WITHIN_S,
        check=True,
    )
    audit = json.loads(verified.stdout)
    assert {"ok", "transfers", "sum", "duplicates", "settled", "held", "lowered"} <= set(audit)
    assert list(audit) == ["ok", "transfers", "sum", "duplicates", "settled", "held", "lowered"]
    assert audit["ok"]
    assert audit["sum"] == audit["duplicates"] == 0
    assert audit["settled"] > counts["settled_points"]  # the killed run's visits were settled too


@pytest.fixture
def on_screen(tmp_path: Path, photos: Path, ports: int) -> Iterator[subprocess.Popen[str]]:
    running = subprocess.Popen(
        command(tmp_path, photos, "--port", str(ports), "--json"), stdout=subprocess.PIPE, text=True
    )
    yield running
    if running.poll() is None:
        running.kill()
    running.wait()
    assert running.stdout is not None
    running.stdout.close()


def test_ctrl_c_ends_a_demo_on_screen_and_leaves_nothing_running(
    on_screen: subprocess.Popen[str], ports: int
) -> None:
    until(
        lambda: answers(f"http://127.0.0.1:{ports + 1}/healthz"),
        "the ledger's pages",
        within_s=COMMAND_WITHIN_S,
    )
    until(lambda: is_at_work(ports), "the station", within_s=COMMAND_WITHIN_S)
    children = descendants(on_screen.pid)
    assert len(children) >= 5  # broker, worker, sync, the ledger's pages, the panel
    on_screen.send_signal(signal.SIGINT)
    output, _ = on_screen.communicate(timeout=COMMAND_WITHIN_S)
    assert on_screen.returncode == 0
    assert json.loads(output)["lost"] == 0
    until(lambda: not still_running(children), "nothing is left running")


def test_ctrl_c_while_the_demo_still_starts_is_not_lost(tmp_path: Path, photos: Path, ports: int) -> None:
    starting = subprocess.Popen(
        command(tmp_path, photos, "--port", str(ports)),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    with starting:
        assert starting.stdout is not None
        while not starting.stdout.readline().startswith("starting broker"):
            assert starting.poll() is None, starting.communicate()
        children = descendants(starting.pid)
        starting.send_signal(signal.SIGINT)
        _, complaint = starting.communicate(timeout=COMMAND_WITHIN_S)
    assert starting.returncode == 130
    assert "Traceback" not in complaint
    until(lambda: not still_running(children), "nothing is left running")


def test_the_panel_shows_a_running_demo(on_screen: subprocess.Popen[str], ports: int) -> None:
    del on_screen
    page = f"http://127.0.0.1:{ports + 3}/?lang=en"
    until(lambda: answers(page) and "Drop it in" in fetch(page), "an open lid", within_s=COMMAND_WITHIN_S)


def test_a_port_in_use_is_named_with_its_mend(tmp_path: Path, photos: Path, ports: int) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", ports + 2))
        taken.listen()
        done = subprocess.run(
            command(tmp_path, photos, "--port", str(ports)),
            capture_output=True,
            text=True,
            timeout=COMMAND_WITHIN_S,
            check=False,
        )
    assert done.returncode == 2
    expected = f"error: port {ports + 2} (the demo's broker) is in use; choose others with --port"
    assert done.stderr.startswith(expected)
    assert done.stderr.count("\n") == 1


def test_a_second_demo_in_the_same_folder_is_turned_away(tmp_path: Path, photos: Path) -> None:
    with Folder(tmp_path).claimed():
        done = subprocess.run(
            command(tmp_path, photos, "--headless"),
            capture_output=True,
            text=True,
            timeout=COMMAND_WITHIN_S,
            check=False,
        )
    assert done.returncode == 2
    assert "another demo is running" in done.stderr


def test_a_folder_without_photos_is_named(tmp_path: Path) -> None:
    done = subprocess.run(
        command(tmp_path / "state", tmp_path / "nowhere", "--headless"),
        capture_output=True,
        text=True,
        timeout=COMMAND_WITHIN_S,
        check=False,
    )
    assert done.returncode == 2
    assert f"no folder {tmp_path / 'nowhere'}" in done.stderr


def is_at_work(port: int) -> bool:
    """Whether the panel shows a station that runs."""
    page = f"http://127.0.0.1:{port + 3}/?lang=en"
    return answers(page) and any(words in fetch(page) for words in ("Tap card", "Drop it in"))
