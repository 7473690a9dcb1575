"""A voice that only writes down what it says."""

from __future__ import annotations

import logging

from edge.messages import Say
from edge.screen.view import Vocabulary

log = logging.getLogger(__name__)


class LogSpeaker:
    """Logs each prompt in both languages. Implements `edge.ports.Speaker`."""

    def __init__(self, vocabulary: Vocabulary) -> None:
        """Speak with these words."""
        self._vocabulary = vocabulary

    def say(self, say: Say) -> None:
        """Log a prompt."""
        spoken = self._vocabulary.spoken(say)
        log.info("says: %s / %s", spoken.zh, spoken.en)
