"""Starts the process that makes a clip, one at a time, and waits for it."""

from __future__ import annotations

import logging
import subprocess
import sys
import threading

import msgspec

from edge.eye.clips.record import ClipJob, MadeClip

log = logging.getLogger(__name__)

LONGEST_S = 180.0
"""Longest time for one clip; on a Pi at the lowest priority it takes some ten seconds."""
_WORDS = 300


class MakeError(Exception):
    """No clip was made; the text says why."""


class MakerProcess:
    """Makes clips in a process of its own, which ends with each clip."""

    def __init__(self, longest_s: float = LONGEST_S) -> None:
        """Kill a process that takes longer than `longest_s`."""
        self._longest_s = longest_s
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._is_stopping = False

    def make(self, job: ClipJob) -> MadeClip:
        """Make a clip; MakeError if the process fails, is killed or takes too long. Blocks."""
        command = [sys.executable, "-m", "edge.eye.clips.maker"]
        try:
            with self._lock:
                if self._is_stopping:
                    raise MakeError("the eye is stopping")
                pipe = subprocess.PIPE
                self._process = subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe)  # noqa: S603 (our own)
            with self._process as process:
                try:
                    made, complaints = process.communicate(msgspec.msgpack.encode(job), self._longest_s)
                except subprocess.TimeoutExpired:
                    process.kill()
                    raise MakeError(f"it took longer than {self._longest_s:g} s") from None
            if process.returncode:
                last = complaints.decode(errors="replace").strip().splitlines()[-1:] or ["no word"]
                raise MakeError(f"its process ended with {process.returncode}: {last[0][:_WORDS]}")
            return msgspec.msgpack.decode(made, type=MadeClip)
        except (OSError, msgspec.MsgspecError) as error:
            raise MakeError(str(error)) from error
        finally:
            with self._lock:
                self._process = None

    def stop(self) -> None:
        """Kill the process, and start none any more."""
        with self._lock:
            self._is_stopping = True
            if self._process is not None:
                self._process.kill()
