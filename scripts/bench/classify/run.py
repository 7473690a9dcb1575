"""`tongzhan bench classify`: from a photo's file to its verdict, against the bare network call."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from itertools import cycle, islice
from pathlib import Path

import click
import numpy as np
from numpy.typing import NDArray

from config.errors import InputError
from config.process.threads import thread
from config.reading.load_sorting import load_sorting
from models.bundle import SHIPPED_BUNDLE, Bundle, load_bundle
from models.golden import golden_pictures
from models.pictures import read_picture
from models.pipeline import normalise
from models.pixels import encode_jpeg, letterbox
from models.runtime import Classifier, load_classifier
from models.verdict import Verdict
from scripts.bench.classify.peers import network_calls
from scripts.bench.result import Result, percentile, show

WARM_UP = 3
TAP_EVERY_S = 0.005
"""How often the thread that stands in for a card reader wakes up."""


@click.command()
@click.option(
    "--photos",
    type=click.Path(path_type=Path, file_okay=False),
    help="A folder of photos; generated pictures of 256 px if absent.",
)
@click.option(
    "--bundle", type=click.Path(path_type=Path), help="A bundle's folder; the shipped one if absent."
)
@click.option(
    "--count", type=click.IntRange(10, 5000), default=200, show_default=True, help="Photos to time."
)
@click.option(
    "--threads",
    type=click.IntRange(1, 8),
    default=2,
    show_default=True,
    help="Threads of the model.",
)
@click.option("--json", "as_json", is_flag=True, help="Print a JSON object.")
def classify(photos: Path | None, *, bundle: Path | None, count: int, threads: int, as_json: bool) -> None:
    """Measure our whole pipeline, the bare session.run, and other runtimes on the same photos, in one run.

    Milliseconds a photo, medians. `ratio` is bare / ours: 0.83 means 20 % on top of the bare call.
    Runtimes that are not installed, or answer otherwise, are left out; pip install ncnn pnnx onnx brings
    ncnn, which computes the same network in floats.
    """
    folder = bundle or SHIPPED_BUNDLE
    with tempfile.TemporaryDirectory() as scratch:
        paths = list(islice(cycle(_photos(photos, Path(scratch))), count))
        show(measure(folder, paths, threads, Path(scratch)), as_json=as_json)


def measure(folder: Path, paths: Sequence[Path], threads: int, scratch: Path) -> Result:
    """Time everything photo by photo, in rotating order, so that a busy moment affects all alike."""
    loaded = load_bundle(folder)
    ours = load_classifier(folder, load_sorting("beijing"), threads)
    others = network_calls(loaded.model, loaded.manifest.input.size, threads, scratch)
    times: dict[str, list[float]] = {name: [] for name in ("ours", *others)}
    turns = deque(times)
    for number, path in enumerate([*paths[:WARM_UP], *paths]):
        tensor = _tensor(loaded, path)
        calls: dict[str, Callable[[], object]] = {
            name: partial(call, tensor) for name, call in others.items()
        }
        calls["ours"] = partial(_classify, ours, path)
        for name in turns:
            took = _ms(calls[name])
            if number >= WARM_UP:
                times[name].append(took)
        turns.rotate()  # whoever comes after another network finds the caches full of its weights
    medians = {name: round(statistics.median(values), 3) for name, values in times.items()}
    bare = medians.pop("session.run")
    whole = medians.pop("ours")
    taps = _tap_delays(partial(_classify, ours, paths[0]), len(paths))
    return Result(
        name="classify",
        ours=whole,
        limit=bare,
        ratio=round(bare / whole, 4),
        peers=medians,
        unit="ms/photo",
        details={
            "photos": len(paths),
            "threads": threads,
            "over_bare": round(whole / bare - 1, 4),
            "ours_p99_ms": round(percentile(times["ours"], 0.99), 3),
            **taps,
            "peak_memory_mb": _peak_memory_mb(folder, paths[0]),
            "model_mb": round(len(loaded.model) / 1e6, 2),
        },
    )


def _photos(folder: Path | None, scratch: Path) -> list[Path]:
    if folder is None:
        return _generated(scratch)
    found = sorted(path for path in folder.rglob("*") if path.suffix.lower() in {".jpg", ".jpeg", ".png"})
    if not found:
        raise InputError(f"{folder}: no photos", "name a folder with .jpg or .png files")
    return found[:: max(1, len(found) // 1000)]


def _generated(scratch: Path) -> list[Path]:
    paths = []
    for number, picture in enumerate(golden_pictures(8, 256)):
        path = scratch / f"{number}.jpg"
        path.write_bytes(encode_jpeg(picture))
        paths.append(path)
    return paths


def _tensor(bundle: Bundle, path: Path) -> NDArray[np.float32]:
    spec = bundle.manifest.input
    return normalise(letterbox(read_picture(path), spec.size)[None], spec.mean, spec.std)


def _classify(classifier: Classifier, path: Path) -> Verdict:
    return classifier.classify([read_picture(path)])


def _ms(call: Callable[[], object]) -> float:
    start = time.perf_counter()
    call()
    return (time.perf_counter() - start) * 1000


def _tap_delays(classify_one: Callable[[], object], rounds: int) -> dict[str, float]:
    """Measure how late a thread like a card reader's wakes up: alone, and next to the classifying one."""
    with _reader() as alone:
        time.sleep(TAP_EVERY_S * min(rounds, 200))
    with _reader() as beside:
        for _ in range(rounds):
            classify_one()
    return {
        "tap_p99_ms_idle": round(percentile(alone, 0.99), 3),
        "tap_p99_ms_classifying": round(percentile(beside, 0.99), 3),
    }


@contextmanager
def _reader() -> Iterator[list[float]]:
    delays: list[float] = []
    over = threading.Event()

    def wait_for_cards() -> None:
        while not over.is_set():
            due = time.perf_counter() + TAP_EVERY_S
            time.sleep(TAP_EVERY_S)
            delays.append((time.perf_counter() - due) * 1000)

    reader = thread(wait_for_cards, "cards")
    reader.start()
    try:
        yield delays
    finally:
        over.set()
        reader.join()


def _peak_memory_mb(folder: Path, photo: Path) -> float:
    """Measure the peak memory of a process that classifies one photo."""
    command = ["from scripts.cli import main; main()", "classify", str(photo), "--bundle", str(folder)]
    running = subprocess.Popen([sys.executable, "-c", *command], stdout=subprocess.DEVNULL)  # noqa: S603
    _, status, used = os.wait4(running.pid, 0)
    running.returncode = os.waitstatus_to_exitcode(status)
    if running.returncode:
        raise InputError(f"{photo}: could not be classified", "see the line above")
    return round(used.ru_maxrss / 1024, 1)
