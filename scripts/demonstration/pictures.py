"""The README's pictures, made again from a running demo: `scripts/pictures`.

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
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser, Page, sync_playwright

from config.errors import InputError
from config.station import Language
from scripts.testbed.ports import LOOPBACK, free_ports
from scripts.testbed.processes import TONGZHAN

OUT = Path(__file__).resolve().parents[2] / "docs" / "pictures"
LOCALES = {Language.CHINESE: "zh-CN", Language.ENGLISH: "en-GB"}
WIDE, UPRIGHT = (1280, 880), (480, 900)
WITHIN_MS = 120_000
FRAME_S, SPEED = 0.5, 2.0
LONGEST_FRAMES = 56
MOVING_WIDTH = 640
COLOURS = 64

RIGHT, WRONG, UNSURE = (f'.verdict[data-outcome="{outcome}"]' for outcome in ("right", "wrong", "unsure"))


class Look:
    """One browser window on the demo, in one language."""

    def __init__(self, browser: Browser, language: Language, size: tuple[int, int], address: str) -> None:
        viewport = {"width": size[0], "height": size[1]}
        self.context = browser.new_context(locale=LOCALES[language], viewport=viewport)  # type: ignore[arg-type]
        self.page = self.context.new_page()
        self.page.goto(address)

    def wait(self, selector: str) -> None:
        """Wait until the panel shows something."""
        self.page.frame_locator("iframe").locator(selector).wait_for(timeout=WITHIN_MS)

    @property
    def points(self) -> str:
        """What the panel's points say now."""
        shown = self.page.frame_locator("iframe").locator(".points strong")
        return shown.inner_text(timeout=WITHIN_MS) if shown.count() else ""


def main(arguments: Sequence[str] | None = None) -> None:
    """Make all pictures; InputError where Chromium or the demo is not to be had."""
    parser = argparse.ArgumentParser(prog="scripts/pictures")
    parser.add_argument("--out", type=Path, default=OUT, help="folder to write to")
    out: Path = parser.parse_args(arguments).out
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    if chromium is None:
        raise InputError("no Chromium here", "sudo apt-get install chromium")
    out.mkdir(parents=True, exist_ok=True)
    with _demo() as address, sync_playwright() as playwright:
        options = ["--no-sandbox", "--disable-gpu"]
        browser = playwright.chromium.launch(executable_path=chromium, args=options)
        _take(browser, address, out)
        browser.close()


@contextmanager
def _demo() -> Iterator[str]:
    """A demo in a folder of its own, gone afterwards; its address."""
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
                time.sleep(5.0)  # the page is served once the station is composed
                yield address
            finally:
                running.send_signal(signal.SIGINT)
                running.communicate()


def _take(browser: Browser, address: str, out: Path) -> None:
    with ExitStack() as stack:
        looks = {language: Look(browser, language, WIDE, address) for language in LOCALES}
        upright = {language: Look(browser, language, UPRIGHT, address) for language in LOCALES}
        for look in (*looks.values(), *upright.values()):
            stack.callback(look.context.close)
        frames = _first_visit(looks)
        for language, look in looks.items():
            _save(look.page, out / f"points-{language.value}.png")
            _moving(frames[language], out / f"visit-{language.value}.gif")
        for language, look in looks.items():
            look.wait(WRONG)
            _save(look.page, out / f"wrong-{language.value}.png")
        for language, look in upright.items():
            look.wait(UNSURE)
            _save(look.page, out / f"upright-{language.value}.png")
        for language, look in looks.items():
            for name in ("statement", "office"):
                look.page.goto(f"{address}{name}?lang={language.value}")
                _save(look.page, out / f"{name}-{language.value}.png")


def _first_visit(looks: dict[Language, Look]) -> dict[Language, list[bytes]]:
    """Frames of the first visit, from its tap until its points have stood for a moment."""
    frames: dict[Language, list[bytes]] = {language: [] for language in looks}
    for look in looks.values():
        look.wait(".bins")
    after_points = 0
    for _ in range(2 * LONGEST_FRAMES):
        began = time.monotonic()
        for language, look in looks.items():
            frames[language] = [*frames[language][1 - LONGEST_FRAMES :], look.page.screenshot()]
        after_points += any(look.points for look in looks.values())
        if after_points * FRAME_S >= 2.0:  # noqa: PLR2004 (seconds in which points can be read)
            return frames
        looks[Language.CHINESE].page.wait_for_timeout(max(0.0, FRAME_S - (time.monotonic() - began)) * 1000)
    raise InputError("the first visit's points were never shown", "see what scripts/demo shows")


def _save(page: Page, file: Path) -> None:
    page.wait_for_timeout(400)  # fonts and pictures are there
    with Image.open(io.BytesIO(page.screenshot())) as shot:
        shot.convert("RGB").quantize(256, dither=Image.Dither.NONE).save(file, optimize=True)


def _moving(frames: Sequence[bytes], file: Path) -> None:
    pictures = []
    for frame in frames:
        with Image.open(io.BytesIO(frame)) as shot:
            height = round(shot.height * MOVING_WIDTH / shot.width)
            small = shot.convert("RGB").resize((MOVING_WIDTH, height), Image.Resampling.LANCZOS)
            pictures.append(small.quantize(COLOURS, dither=Image.Dither.NONE))
    pictures[0].save(
        file,
        save_all=True,
        append_images=pictures[1:],
        duration=round(FRAME_S / SPEED * 1000),
        loop=0,
        optimize=True,
    )


if __name__ == "__main__":
    main()
