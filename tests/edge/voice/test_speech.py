"""What the voice says, and in which order, when more is to be said than there is time for."""

from __future__ import annotations

import pytest

from edge.messages import Prompt, Say
from edge.voice.speech import MOST_AWARDS, Speech


class Voice:
    """A voice that notes what it says; `meanwhile` happens while it speaks."""

    def __init__(self) -> None:
        self.said: list[Say] = []
        self.meanwhile: list[Say] = []
        self.speech = Speech()

    def say(self, say: Say) -> None:
        self.said.append(say)
        for one in self.meanwhile:
            assert not self.speech.add(one), "a second thread would speak over the first"
        self.meanwhile = []

    def speak(self, *says: Say) -> list[Say]:
        for say in says:
            self.speech.add(say)
        self.speech.speak(self)
        return self.said


def points(visit: int) -> Say:
    return Say(Prompt.POINTS_BEFORE, points=2, visit=visit)


WELCOME, RIGHT = Say(Prompt.WELCOME), Say(Prompt.RIGHT)


def test_the_newest_prompt_replaces_the_one_that_waits() -> None:
    assert Voice().speak(WELCOME, RIGHT) == [RIGHT]


def test_an_award_keeps_its_turn_whatever_is_said_after_it() -> None:
    voice = Voice()
    voice.meanwhile = [points(1), WELCOME, points(2), RIGHT]
    assert voice.speak(WELCOME) == [WELCOME, points(1), points(2), RIGHT]


@pytest.mark.parametrize("prompt", [Prompt.CLEAR_LID, Prompt.EMERGENCY])
def test_what_is_urgent_does_not_wait_for_points(prompt: Prompt) -> None:
    voice = Voice()
    voice.meanwhile = [points(1), points(2), Say(prompt)]
    assert voice.speak(WELCOME) == [WELCOME, Say(prompt), points(1), points(2)]


def test_what_waits_is_bounded() -> None:
    said = Voice().speak(*(points(visit) for visit in range(100)))
    assert said == [points(visit) for visit in range(100 - MOST_AWARDS, 100)]


def test_it_is_started_again_only_once_it_has_ended() -> None:
    voice = Voice()
    assert voice.speech.add(WELCOME)
    assert not voice.speech.add(RIGHT)
    voice.speech.speak(voice)
    assert voice.speech.add(WELCOME)


def test_a_voice_that_fails_is_tried_again_with_the_next_prompt() -> None:
    class Broken:
        def say(self, say: Say) -> None:
            raise OSError(str(say.prompt))

    voice = Voice()
    voice.speech.add(points(1))
    with pytest.raises(OSError, match="points"):
        voice.speech.speak(Broken())
    assert voice.speech.add(points(2))
    voice.speech.speak(voice)
    assert voice.said == [points(2)]
