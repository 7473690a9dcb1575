"""The queue of prompts to speak. Bounded; filled by the station's thread, emptied by the speaker's worker."""

from __future__ import annotations

import threading
from collections import deque

from edge.messages import Prompt, Say
from edge.ports import Speaker

MOST_AWARDS = 8
"""Awards that may wait for the voice: about half a minute of speech. The oldest is dropped first."""
URGENT = frozenset({Prompt.EMERGENCY, Prompt.EMERGENCY_HELD, Prompt.CLEAR_LID})
"""Prompts that are spoken before waiting awards."""


class Speech:
    """A queue of prompts in which a newer prompt replaces an older one, but each award keeps its turn.

    The person at the bins needs the newest prompt; a resident who has just left must still hear their points.
    """

    def __init__(self) -> None:
        self._waiting: deque[Say] = deque()
        self._is_speaking = False
        self._lock = threading.Lock()

    def add(self, say: Say) -> bool:
        """Queue a prompt; return True if `speak` must be started."""
        with self._lock:
            awards = [one for one in self._waiting if one.visit is not None]
            if say.visit is not None:
                if len(awards) == MOST_AWARDS:
                    self._waiting.remove(awards[0])
                self._waiting.append(say)
            else:
                self._waiting = deque([say, *awards] if say.prompt in URGENT else [*awards, say])
            must_start, self._is_speaking = not self._is_speaking, True
            return must_start

    def speak(self, speaker: Speaker) -> None:
        """Speak until the queue is empty. No lid and no visit waits for it."""
        try:
            while (say := self._take()) is not None:
                speaker.say(say)
        finally:
            with self._lock:
                self._is_speaking = False

    def _take(self) -> Say | None:
        with self._lock:
            if self._waiting:
                return self._waiting.popleft()
            self._is_speaking = False
            return None
