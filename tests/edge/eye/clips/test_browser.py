"""A clip plays and seeks where readers look at it."""

from __future__ import annotations

import base64

import numpy as np
import pytest
from playwright.sync_api import Browser

from edge.eye.clips.encode import encode
from models.pixels import Rgb
from tests.edge.eye.clips.pictures import noisy, tray

TIMES = [number / 15 for number in range(75)]
PLAY = """async (source) => {
  const video = document.createElement('video');
  video.muted = true;
  document.body.append(video);
  const event = (name) => new Promise((done, failed) => {
    video.addEventListener(name, done, { once: true });
    video.addEventListener('error', () => failed(new Error(video.error.message)), { once: true });
  });
  const loaded = event('loadeddata');
  video.src = source;
  await loaded;
  const canvas = document.createElement('canvas');
  const shade = () => {
    canvas.width = video.videoWidth;
    canvas.height = video.videoHeight;
    const draw = canvas.getContext('2d');
    draw.drawImage(video, 0, 0);
    return draw.getImageData(canvas.width / 2, canvas.height / 2, 1, 1).data[0];
  };
  const seek = async (at) => {
    const sought = event('seeked');
    video.currentTime = at;
    await sought;
    return shade();
  };
  const later = await seek(4);
  const first = await seek(1);
  const ended = event('ended');
  await video.play();
  await ended;
  return { width: video.videoWidth, height: video.videoHeight, duration: video.duration, first, later,
           end: video.currentTime };
}"""


def brighter(rng: np.random.Generator) -> list[Rgb]:
    """Give frames of a tray that becomes brighter, so that a moment can be told from another."""
    scene = tray(rng).astype(float)
    return [noisy((scene * (0.2 + 0.7 * at / 5)).astype(np.uint8), rng) for at in TIMES]


def test_a_clip_plays_to_its_end_and_seeks(browser: Browser) -> None:
    frames = brighter(np.random.default_rng(0))
    clip = encode(TIMES, frames.__getitem__)
    page = browser.new_page()
    try:
        page.set_content("<!doctype html><title>clip</title><body></body>")
        shown = page.evaluate(PLAY, f"data:video/mp4;base64,{base64.b64encode(clip).decode()}")
    finally:
        page.close()
    assert (shown["width"], shown["height"]) == (640, 480)
    assert shown["duration"] == pytest.approx(5.0, abs=0.1)
    assert shown["end"] == pytest.approx(5.0, abs=0.1)
    for at, key in ((1.0, "first"), (4.0, "later")):
        expected = int(frames[round(at * 15)][240, 320, 0])
        assert shown[key] == pytest.approx(expected, abs=25)
    assert shown["later"] > shown["first"] + 40
