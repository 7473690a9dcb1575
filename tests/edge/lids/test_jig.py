"""The jig for real pins, over mock pins that are wired to each other as its jumpers would."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from gpiozero.pins.mock import MockFactory, MockPWMPin

from edge.lids.gpio_lid import GpioLid
from edge.loop.clocks import RealClock
from firmware_bridge.lid_motion import LidTimes
from tests.edge.hardware.board import WIRES, MovingLid, both_ever_high, motor
from tests.edge.hardware.posted import Posted
from tests.edge.lids.jig import JigBoard
from tests.waiting import COMMAND_WITHIN_S, until

JIG = "17=5,27=6,22=12,23=13,24=16"
JUMPERS = {17: 5, 27: 6, 12: 22, 13: 23, 16: 24}
CHECKOUT = Path(__file__).resolve().parents[3]


class Wired(MockPWMPin):  # type: ignore[misc]  # gpiozero has no types
    """A pin whose level reaches the other end of its jumper."""

    def _change_state(self, value: float) -> bool:
        changed: bool = super()._change_state(value)
        other = JUMPERS.get(self._number)
        if self.function == "output" and other is not None:
            far = self.factory.pin(other)
            if far.function == "input":
                (far.drive_high if value else far.drive_low)()
        return changed


@pytest.fixture
def jig(monkeypatch: pytest.MonkeyPatch) -> JigBoard:
    monkeypatch.setattr("tests.edge.lids.jig.real_pins", lambda _: MockFactory(pin_class=Wired))
    return JigBoard(JIG)


def test_a_lease_over_the_jig_moves_the_lid_and_shuts_it(jig: JigBoard) -> None:
    posted = Posted()
    lid = GpioLid("left", WIRES, LidTimes(0.6, 0.1, 5.0, 2), RealClock(), posted, jig.factory)
    with MovingLid(jig, 0.3) as world:
        until(lambda: world.place == 0)
        lid.start()
        until(lambda: "LidClosed" in posted.names())
        lid.open(1.0)
        until(lambda: posted.names()[-2:] == ["LidOpened", "LidClosed"])
    lid.stop()
    assert motor(jig) == (False, False)
    assert (17, True) in jig.outputs
    assert not both_ever_high(jig)
    jig.close()


@pytest.mark.parametrize("jumpers", ["17=5", JIG + ",4=7", JIG.replace("6", "5"), "17=five", ""])
def test_a_jig_with_other_jumpers_is_refused(jumpers: str) -> None:
    with pytest.raises(ValueError, match=r"jig|does not name|invalid literal|not enough"):
        JigBoard(jumpers)


def test_real_pins_without_a_jig_are_refused_before_anything_is_set_up() -> None:
    variables = {name: value for name, value in os.environ.items() if name != "TONGZHAN_JIG"}
    done = subprocess.run(
        [CHECKOUT / "scripts" / "test", "--real-pins"],
        env=variables | {"TONGZHAN_PYTHON": sys.executable},
        capture_output=True,
        text=True,
        timeout=COMMAND_WITHIN_S,
        check=False,
    )
    assert done.returncode != 0
    assert "--real-pins needs TONGZHAN_JIG" in done.stderr + done.stdout
