"""Runs the model in ONNX Runtime after a self-test; the only file that imports onnxruntime."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import onnxruntime
from numpy.typing import NDArray
from onnxruntime.capi import onnxruntime_pybind11_state as refusals

from config.process.threads import later
from config.sorting import Sorting
from models.bundle import Bundle, BundleError, Manifest, load_bundle
from models.golden import golden_pictures
from models.pipeline import Judge, ballot, normalise
from models.pixels import letterbox
from models.verdict import Ballot, Verdict

_LOG_NOTHING = 4
"""Errors are raised and reported once by this module; the runtime would print them to stderr as well."""
PATIENCE_S = float(os.environ.get("TONGZHAN_MODEL_PATIENCE_S", "30"))
"""Timeout of loading a model and of each run; ten times a Pi 4's self-test. Emulation needs more."""
_NO_FOLDER = "/dev/null"
"""Folder of external weights: not a folder, so that none are ever loaded."""
_RUNTIME_ERRORS: tuple[type[Exception], ...] = (
    *(kind for kind in vars(refusals).values() if isinstance(kind, type) and issubclass(kind, Exception)),
    MemoryError,
    RuntimeError,
)
"""What ONNX Runtime raises, its own errors, which share no base but Exception, and those of C++."""


class Breaker:
    """Cancels a session's load or run, and every later one: for a process that is about to exit.

    The process would abort if Python exited while a thread is inside the runtime.
    """

    def __init__(self) -> None:
        self.is_open = False
        self._changing = threading.Lock()
        self._stop: Callable[[], object] | None = None

    def open(self) -> None:
        """Cancel now and permanently; may be called from any thread."""
        with self._changing:
            self.is_open, stop = True, self._stop
        if stop is not None:
            stop()

    @contextmanager
    def guard(self, stop: Callable[[], object]) -> Iterator[None]:
        """Let `open` call `stop` while this lasts."""
        with self._changing:
            self._stop, is_open = stop, self.is_open
        if is_open:
            stop()
        try:
            yield
        finally:
            with self._changing:
                self._stop = None


class Session:
    """One ONNX graph on the CPU: arrays in, arrays out."""

    def __init__(
        self,
        model: bytes,
        threads: int = 1,
        patience_s: float = PATIENCE_S,
        breaker: Breaker | None = None,
    ) -> None:
        """Build the session; BundleError if the runtime cannot load these bytes.

        A load or run that takes longer than `patience_s` is cancelled: a graph may contain an endless loop.
        """
        self._patience_s, self._breaker = patience_s, breaker or Breaker()
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        # Spinning threads would keep cores busy between deposits and delay taps.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        # On an x86 processor without VNNI int8 sums would overflow at 16 bits, and verdicts would be wrong.
        options.add_session_config_entry("session.x64quantprecision", "1")
        options.log_severity_level = _LOG_NOTHING
        options.add_session_config_entry("session.model_external_initializers_file_folder_path", _NO_FOLDER)
        with self._patience("load", lambda: options.set_load_cancellation_flag(True)):
            self._session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
        self._input = self._session.get_inputs()[0].name

    def run(self, batch: NDArray[np.float32]) -> NDArray[np.float32]:
        """Give the network's first output for a batch of normalised pictures."""
        return self.run_all(batch)[0]

    def run_all(self, batch: NDArray[np.float32]) -> tuple[NDArray[np.float32], ...]:
        """Give all of the network's outputs for a batch of normalised pictures."""
        options = onnxruntime.RunOptions()
        with self._patience("run", lambda: setattr(options, "terminate", True)):
            return tuple(self._session.run(None, {self._input: batch}, options))

    @contextmanager
    def _patience(self, what: str, stop: Callable[[], object]) -> Iterator[None]:
        """Call `stop` from another thread when it takes too long; BundleError for that and for a failure."""
        was_stopped = threading.Event()

        def break_off() -> None:
            was_stopped.set()
            stop()

        is_over = later(self._patience_s, break_off, "patience")
        try:
            with self._breaker.guard(stop):
                yield
        except _RUNTIME_ERRORS as error:
            if was_stopped.is_set():
                told = f"the model did not {what} within {self._patience_s:g} s"
                raise BundleError(told, "look at the machine's load, or install another bundle") from None
            raise BundleError(
                f"the model does not {what}: {_first_line(error)}", "install the bundle again, or another one"
            ) from None
        finally:
            is_over.set()


class Classifier:
    """A tested model joined with a city's rules: pictures in, one verdict out. For one thread."""

    def __init__(
        self,
        bundle: Bundle,
        sorting: Sorting,
        threads: int = 1,
        patience_s: float = PATIENCE_S,
        breaker: Breaker | None = None,
    ) -> None:
        """Load the model and run its self-test, which warms it up too; BundleError if it fails.

        InputError if the sorting rules and the model's labels do not fit.
        """
        self.manifest: Manifest = bundle.manifest
        self.rules = judge_of(bundle.manifest, sorting)
        self._network = Session(bundle.model, threads, patience_s, breaker)
        self._self_test()

    def classify(self, pictures: Sequence[NDArray[np.uint8]]) -> Verdict:
        """Give one verdict over several RGB pictures of one deposit, at least one, of any size."""
        return self.ballot(pictures).verdict

    def ballot(self, pictures: Sequence[NDArray[np.uint8]]) -> Ballot:
        """Give a verdict as `classify` does, with what it was made of."""
        return ballot(self.logits(pictures), self.rules)

    def logits(self, pictures: Sequence[NDArray[np.uint8]]) -> NDArray[np.float32]:
        """Give the network's raw (pictures, labels) answers, for evaluation."""
        if not pictures:
            raise ValueError("a verdict needs at least one picture")
        squares = np.stack([letterbox(picture, self.manifest.input.size) for picture in pictures])
        return self._answers(squares)

    def _answers(self, squares: NDArray[np.uint8]) -> NDArray[np.float32]:
        spec = self.manifest.input
        return self._network.run(normalise(squares, spec.mean, spec.std))

    def _self_test(self) -> None:
        golden = self.manifest.golden
        expected = np.array(golden.logits, np.float32)
        found = self._answers(golden_pictures(len(expected), self.manifest.input.size))
        off = float(np.abs(found - expected).max()) if found.shape == expected.shape else float("inf")
        if not off <= golden.tolerance:  # written so that NaN fails too
            what = f"model {self.manifest.title} fails its self-test: off by {off:.3g}"
            raise BundleError(what, "copy the bundle again, or update onnxruntime")


def load_classifier(bundle_folder: Path, sorting: Sorting, threads: int = 1) -> Classifier:
    """Read, check and test a bundle. BundleError if it must not be used, InputError if rules do not fit."""
    return Classifier(load_bundle(bundle_folder), sorting, threads)


def judge_of(manifest: Manifest, sorting: Sorting) -> Judge:
    """Join a bundle's figures with a city's rules; InputError if their labels do not fit."""
    known = dict(zip(manifest.waste_labels, sorting.categories_of(manifest.waste_labels), strict=True))
    labels = tuple(label.key for label in manifest.labels)
    return Judge(
        model=manifest.title,
        labels=labels,
        categories=tuple(known.get(label) for label in labels),
        temperature=manifest.temperature,
        sure=manifest.thresholds.sure,
        empty=manifest.thresholds.empty,
    )


def _first_line(error: BaseException) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]
