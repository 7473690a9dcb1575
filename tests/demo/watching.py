"""A browser that watches the demo's screen and notes every change of its points, and of what the strip counts."""

from __future__ import annotations

from playwright.sync_api import Frame, Page

WATCH = """() => {
  window.shown = [];
  let last = "";
  const look = () => {
    const points = document.querySelector(".points strong");
    const now = points ? points.textContent.trim() : "";
    if (now !== last && now !== "") window.shown.push(now);
    last = now;
  };
  new MutationObserver(look).observe(document, {childList: true, characterData: true, subtree: true});
  look();
}"""


def panel_frame(page: Page) -> Frame:
    """Give the panel's frame on the demo's page, once it shows a station."""
    page.frame_locator("iframe").locator(".bins").wait_for()
    (frame,) = page.main_frame.child_frames
    return frame


def begin_watching(frame: Frame) -> None:
    frame.evaluate(WATCH)


def points_shown(frame: Frame) -> list[str]:
    """Give every value that the screen's points had since `begin_watching`, in order, each time it changed."""
    shown: list[str] = frame.evaluate("window.shown")
    return shown
