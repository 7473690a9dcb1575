"""Makes the README's pictures from a running demo: `scripts/pictures`.

Each is what Chromium showed of the demo's own pages; nothing is composed. The moving one takes a frame every
FRAME_S and plays them SPEED times as fast.
"""

from __future__ import annotations

import argparse
import io
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

from PIL import Image
from playwright.sync_api import Browser, ViewportSize, sync_playwright

from config.errors import InputError
from config.station import Language
from scripts.testbed.ports import LOOPBACK, free_ports
from scripts.testbed.processes import TONGZHAN

OUT = Path(__file__).resolve().parents[2] / "docs" / "pictures"
LOCALES = {Language.CHINESE: "zh-CN", Language.ENGLISH: "en-GB"}
WIDE, UPRIGHT = (1280, 880), (480, 900)
WITHIN_MS = 120_000
FRAME_S, SPEED = 0.5, 2.0
LONGEST_FRAMES = 48
STANDS_S = 2.0
"""How long the moving picture shows the points."""
WATCH_S = 400.0
PICTURES = 3
MOVING_WIDTH = 640
COLOURS = 64

STATE = """() => ({
  outcome: document.querySelector(".verdict")?.dataset.outcome ?? "",
  points: document.querySelector(".points strong")?.textContent.trim() ?? "",
})"""


class Frame(NamedTuple):
    """One picture of the moving one."""

    at: float
    """When it was taken, in seconds."""
    shot: bytes


def durations_ms(taken: Sequence[float]) -> list[int]:
    """How long each frame stands: as long as it did, by SPEED; the last one STANDS_S."""
    stood = [after - before for before, after in pairwise(taken)]
    return [*(round(seconds / SPEED * 1000) for seconds in stood), round(STANDS_S * 1000)]


class Look:
    """One browser window on the demo, in one language."""

    def __init__(self, browser: Browser, language: Language, size: tuple[int, int], address: str) -> None:
        viewport = ViewportSize(width=size[0], height=size[1])
        self.context = browser.new_context(locale=LOCALES[language], viewport=viewport)
        self.page = self.context.new_page()
        self.page.goto(address)
        self.page.frame_locator("iframe").locator(".bins").wait_for(timeout=WITHIN_MS)
        (self._panel,) = self.page.main_frame.child_frames

    def take(self) -> tuple[bytes, str, bool]:
        """Take a screenshot; return it with the verdict's outcome and whether it shows points.

        The outcome is empty if the screen changed meanwhile.
        """
        before = self._panel.evaluate(STATE)
        shot = self.page.screenshot()
        is_still = self._panel.evaluate(STATE) == before
        return shot, before["outcome"] if is_still else "", "+" in before["points"] and is_still


def main(arguments: Sequence[str] | None = None) -> None:
    """Make all pictures; InputError if Chromium or the demo is missing."""
    parser = argparse.ArgumentParser(prog="scripts/pictures")
    parser.add_argument("--out", type=Path, default=OUT, help="folder to write to")
    out: Path = parser.parse_args(arguments).out
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    if chromium is None:
        raise InputError("no Chromium here", "sudo apt-get install chromium")
    out.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright:
        options = ["--no-sandbox", "--disable-gpu"]
        browser = playwright.chromium.launch(executable_path=chromium, args=options)
        for language in LOCALES:
            with _demo() as address:
                _take(browser, language, address, out)
        browser.close()


@contextmanager
def _demo() -> Iterator[str]:
    """Run a demo in a temporary folder; yield its address."""
    port = free_ports(5)
    address = f"http://{LOOPBACK}:{port}/"
    with tempfile.TemporaryDirectory(prefix="tongzhan-pictures-") as state:
        command = [*TONGZHAN, "demo", "--state", state, "--port", str(port), "--seed", "1"]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as running:  # noqa: S603 (ours, no shell)
            try:
                assert running.stdout is not None  # noqa: S101 (a pipe was asked for)
                for line in running.stdout:
                    if line.startswith("open "):
                        break
                yield address
            finally:
                running.send_signal(signal.SIGINT)
                running.communicate()


def _take(browser: Browser, language: Language, address: str, out: Path) -> None:
    """Take all pictures in one language: a demo's first three visits, then two pages of its ledger."""
    with ExitStack() as stack:
        wide, upright = (Look(browser, language, size, address) for size in (WIDE, UPRIGHT))
        for look in (wide, upright):
            stack.callback(look.context.close)
        for name, shot in _visits(wide, upright, out / f"visit-{language.value}.gif").items():
            _save(shot, out / f"{name}-{language.value}.png")
        for name in ("statement", "office"):
            wide.page.goto(f"{address}{name}?lang={language.value}")
            wide.page.wait_for_timeout(1000)
            _save(wide.page.screenshot(), out / f"{name}-{language.value}.png")


def _visits(wide: Look, upright: Look, moving: Path) -> dict[str, bytes]:
    """Watch until a right, a wrong and an unsure deposit have been shown; InputError if it takes too long."""
    found: dict[str, bytes] = {}
    frames: list[Frame] = []
    until = time.monotonic() + WATCH_S
    while len(found) < PICTURES:
        if time.monotonic() > until:
            raise InputError(
                "the first visits were not seen in time", "try again on a machine that is less busy"
            )
        began = time.monotonic()
        shot, outcome, has_points = wide.take()
        if "points" not in found:
            frames = [*frames[1 - LONGEST_FRAMES :], Frame(began, shot)]
        if outcome == "right" and has_points and "points" not in found:
            found["points"] = shot
            _moving(frames, moving)
        if outcome == "wrong":
            found.setdefault("wrong", shot)
        if outcome == "unsure" and "upright" not in found:
            shot, outcome, _ = upright.take()
            if outcome == "unsure":
                found["upright"] = shot
        wide.page.wait_for_timeout(max(0.0, FRAME_S - (time.monotonic() - began)) * 1000)
    return found


def _save(shot: bytes, file: Path) -> None:
    with Image.open(io.BytesIO(shot)) as picture:
        picture.convert("RGB").quantize(256, dither=Image.Dither.NONE).save(file, optimize=True)


def _moving(frames: Sequence[Frame], file: Path) -> None:
    """Write a moving picture that is SPEED times as fast as it was, however slow the machine took it."""
    pictures = []
    for frame in frames:
        with Image.open(io.BytesIO(frame.shot)) as shot:
            height = round(shot.height * MOVING_WIDTH / shot.width)
            small = shot.convert("RGB").resize((MOVING_WIDTH, height), Image.Resampling.LANCZOS)
            pictures.append(small.quantize(COLOURS, dither=Image.Dither.NONE))
    pictures[0].save(
        file,
        save_all=True,
        append_images=pictures[1:],
        duration=durations_ms([frame.at for frame in frames]),
        loop=0,
        optimize=True,
    )


if __name__ == "__main__":
    main()
