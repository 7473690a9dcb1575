"""A voice that only logs its prompts."""

from __future__ import annotations

import logging

from edge.messages import Say
from edge.screen.prompts import PromptRenderer

log = logging.getLogger(__name__)


class LogSpeaker:
    """Logs each prompt in both languages. Implements `edge.ports.Speaker`."""

    def __init__(self, prompts: PromptRenderer) -> None:
        """Render prompts with `prompts`."""
        self._prompts = prompts

    def say(self, say: Say) -> None:
        """Log a prompt."""
        words = self._prompts.render(say)
        log.info("says: %s / %s", words.zh, words.en)
