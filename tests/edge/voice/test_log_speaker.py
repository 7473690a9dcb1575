from __future__ import annotations

import logging

import pytest

from config.reading.load_sorting import load_sorting
from config.sorting import Category
from config.words import Both, load_words
from edge.messages import Prompt, Say
from edge.screen.prompts import PromptRenderer
from edge.voice.log_speaker import LogSpeaker


def test_a_prompt_is_logged_in_both_languages(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    words = PromptRenderer(load_words(), load_sorting(), {"banana": Both("香蕉", "banana")})
    LogSpeaker(words).say(Say(Prompt.RIGHT, bin=Category.KITCHEN, label="banana"))
    assert "香蕉" in caplog.text
    assert "Banana" in caplog.text
