"""One emergency, two kinds of movers: lids at a controller and on the Pi's pins, all with real processes."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

import pytest

from cloud_sync.wire.cards import card_hash
from cloud_sync.wire.facts import Credential, Role
from config.words import load_words
from edge.messages import Prompt
from edge.roster import CardState, RosterEntry
from edge.screen.state import NextAction
from edge.station_file import load_station
from edge.sync.outbox import Outbox
from firmware_bridge.decoders.em4100 import CardBits, canonical
from firmware_bridge.decoders.rdm6300 import Rdm6300Decoder
from firmware_bridge.link.messages import SensorKind
from tests.firmware_bridge.conformance.device import Device, twin
from tests.station.conftest import FRAME, KEY, TAP_AGAIN_S, TRAVEL_S, Site
from tests.waiting import COMMAND_WITHIN_S, tried, until

SECOND = """
[[controller]]
id = "mcu"
port = "{port}"
[[bin]]
id = "other"
category = "other"
reader = "gate"
lid = {{ kind = "controller", controller = "mcu", number = 0 }}
"""
PANIC_PIN = 5
BUTTON = f"""
[panic]
pin = {PANIC_PIN}
"""
PANIC = f"sensor {int(SensorKind.PANIC)} 0"
STAFF_FRAME = b"\x0262E3086CEE0B\x03"


def make_slow(site: Site, more: str) -> None:
    """Give the station more wiring and a lid slow enough to be stopped on its way."""
    text = site.config.read_text(encoding="utf-8").replace("travel_s = 2.0", "travel_s = 20.0")
    text = text.replace("lease_s = 5.0", "lease_s = 30.0")
    site.config.write_text(text + more, encoding="utf-8")
    load_station(site.config)
    site.plant.travel_s = 10 * TRAVEL_S
    site.init()


@pytest.fixture
def device(site: Site) -> Iterator[Device]:
    """Give the twin that has the second lid and the panic button; it travels as slowly as the first."""
    with twin("--lids", "1") as device:
        make_slow(site, SECOND.format(port=device.path))
        device.do(f"travel 0 {round(1000 * 10 * TRAVEL_S)}")
        make_staff(site)
        yield device


def make_staff(site: Site) -> None:
    """Have the roster know the card of STAFF_FRAME, as `tongzhan station card staff` writes it."""
    number = Rdm6300Decoder().feed(STAFF_FRAME)[0]
    card = card_hash(bytes.fromhex(KEY), Credential.EM4100, canonical(number, CardBits.ALL))
    outbox = Outbox(site.config.parent / "state")
    outbox.replace_roster({card: RosterEntry(CardState.ACTIVE, Role.STAFF)})
    outbox.close()


def tap(site: Site, frame: bytes, prompt: Prompt) -> None:
    """Send a card's frame once; the station says something else than before."""
    site.wire.send(frame)
    told = load_words().prompt[prompt].en
    until(lambda: (site.shown().get("said") or {}).get("en") == told, f"it says {prompt}")


def test_a_panic_at_the_controller_stops_the_lid_on_the_pis_pins_until_a_staff_card_is_tapped(
    site: Site, device: Device
) -> None:
    with site.start("lids"), site.start("run"):
        until(lambda: site.shown().get("faults") == [], "the station is at work", COMMAND_WITHIN_S)
        site.hold_card()
        until(lambda: are_opening(site, device), "both lids are on their way")
        device.do(f"{PANIC} 1")
        until(lambda: site.plant.way == 0 and device.lid(0)[1] == "off", "every motor stopped")
        stood = site.plant.place, device.lid(0)[0]
        assert 0 < stood[0] < 1
        until(lambda: {"panic", "emergency_stop"} <= site.faults(), "the screen says so")
        tap(site, STAFF_FRAME, Prompt.EMERGENCY_HELD)
        device.do(f"{PANIC} 0")
        until(lambda: "panic" not in site.faults(), "the button is free again")
        tap(site, FRAME, Prompt.EMERGENCY)
        assert (site.plant.place, device.lid(0)) == (stood[0], (stood[1], "off"))
    (site.runtime / "state.json").unlink()  # what the last station left is no news of the next
    with site.start("lids"), site.start("run"):
        until(lambda: "emergency_stop" in site.faults(), "the next station knows", COMMAND_WITHIN_S)
        until(lambda: not {"lid_unreachable", "controller_lost"} & site.faults(), "both lids can be reached")
        tap(site, FRAME, Prompt.EMERGENCY)
        tap(site, STAFF_FRAME, Prompt.EMERGENCY_OVER)
        assert "emergency_stop" not in site.faults()
        assert (site.plant.place, device.lid(0)) == (stood[0], (stood[1], "off")), "a reset moves nothing"
        opens = "both lids open again"
        tried(lambda: site.wire.send(STAFF_FRAME), lambda: are_opening(site, device), opens, TAP_AGAIN_S)


def are_opening(site: Site, device: Device) -> bool:
    return device.lid(0)[1] == "open" and site.plant.way == 1


@pytest.fixture
def button(site: Site) -> Callable[[bool], None]:
    """Give the panic button at the Pi's own pin, released: its contact is closed then."""
    make_slow(site, BUTTON)
    make_staff(site)

    def press(is_pressed: bool) -> None:  # noqa: FBT001 (a level is its own name)
        site.levels.set_contact(PANIC_PIN, closed=not is_pressed)

    press(False)  # noqa: FBT003
    return press


def stood_still(site: Site, since: int) -> bool:
    """Whether no motor ran after the first `since` drives, of which the last is a rest."""
    return site.plant.way == 0 and len(site.plant.drives) == since


def let_pass(seconds: float) -> None:
    """Give a motor that should not run the time to do so."""
    began = time.monotonic()
    until(lambda: time.monotonic() > began + seconds, "it had time to do harm")


def test_the_panic_button_at_the_pi_stops_the_lid_until_a_staff_card_is_tapped_and_a_reset_moves_nothing(
    site: Site, button: Callable[[bool], None]
) -> None:
    with site.start("lids"), site.start("run"):
        until(lambda: site.shown().get("faults") == [], "the station is at work", COMMAND_WITHIN_S)
        site.hold_card()
        button(True)  # noqa: FBT003
        until(lambda: site.plant.drives and site.plant.drives[-1].way == 0, "the motor stopped")
        drives, stood = len(site.plant.drives), site.plant.place
        assert 0 < stood < 1
        until(lambda: {"panic", "emergency_stop"} <= site.faults(), "the screen says so")
        assert site.shown()["next"] == NextAction.STOPPED

        tap(site, STAFF_FRAME, Prompt.EMERGENCY_HELD)  # nobody ends it while the button is pressed
        tap(site, FRAME, Prompt.EMERGENCY)
        assert stood_still(site, drives), "the lid opened for a card"

        button(False)  # noqa: FBT003
        until(lambda: "panic" not in site.faults(), "the button is free again")
        let_pass(1.0)
        assert "emergency_stop" in site.faults()
        assert site.shown()["next"] == NextAction.STOPPED
        assert stood_still(site, drives), "a release moved the lid"

        tap(site, STAFF_FRAME, Prompt.EMERGENCY_OVER)
        until(lambda: "emergency_stop" not in site.faults(), "the emergency is over")
        let_pass(1.0)
        assert (stood_still(site, drives), site.plant.place) == (True, stood), "a reset moves nothing"
        opens = "the lid opens again"
        tried(lambda: site.wire.send(STAFF_FRAME), lambda: site.plant.way == 1, opens, TAP_AGAIN_S)
