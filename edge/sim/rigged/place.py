"""A simulated place whose lids and readers belong to a microcontroller's program, over its real wire.

People act on the program's plant through its test rig; the station reads it and moves its lids through
`edge.hardware.controller.controller`, as a wired station does.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import inf

from config.station import StationSettings
from config.wiring import ControllerLid, ReaderInput
from edge.ports import Inbox, Lid
from edge.readers.kind import Transmission
from edge.readers.registry import kind_of
from edge.sim.people.town import Neighbourhood
from edge.sim.plant import BasePlant
from edge.sim.rigged.lines import RigLines
from edge.sim.timeline import Timeline
from firmware_bridge.link.messages import SensorKind

_MS = 1000
_CABINET = {SensorKind.TEMPERATURE: 2300, SensorKind.SUPPLY: 12_100}
"""What the program's cabinet measures: 23 °C and 12.1 V. Its door is shut from the start."""
_LINES = {ReaderInput.SERIAL: "serial", ReaderInput.WIEGAND: "wiegand"}
"""The rig's word for each input of a controller."""


class RiggedLid:
    """A lid that the program's plant moves. Implements `edge.sim.plant.WorldLid`.

    The station's requests go to the driver; people see the position that the program last reported.
    """

    def __init__(self, number: int, driver: Lid, rig: RigLines, timeline: Timeline) -> None:
        """Count as shut until the program reports a position."""
        self.opened_at = -inf
        self.position = 0.0
        self.has_opened = False
        self._number, self._driver, self._rig, self._timeline = number, driver, rig, timeline
        self._drive = 0
        self._leased_until = -inf

    def open(self, lease_s: float) -> None:
        """Open, or stay open, at most `lease_s` seconds from now."""
        self._driver.open(lease_s)
        with self._timeline.changed:
            now = self._timeline.clock.now()
            if self.is_open and now >= self._leased_until:
                self.opened_at = now
            self._leased_until = now + lease_s

    def end_lease(self) -> None:
        """Shut the lid now, unless something is in its way."""
        self._driver.end_lease()
        with self._timeline.changed:
            self._leased_until = min(self._leased_until, self._timeline.clock.now())

    def see(self, position: float, drive: int) -> None:
        """Note the position that the program reports, 0 to 1, and its motor's direction."""
        with self._timeline.changed:
            self.position, self._drive = position, drive
            if self.is_open and not self.has_opened:
                self.has_opened, self.opened_at = True, self._timeline.clock.now()
            elif self.is_shut:
                self.has_opened = False

    @property
    def is_open(self) -> bool:
        """Whether it is fully open."""
        return self.position == 1 and self._drive >= 0

    @property
    def is_shut(self) -> bool:
        """Whether it rests shut."""
        return self.position == 0 and self._drive <= 0

    @property
    def is_closing(self) -> bool:
        """Whether it is closing."""
        return self._drive < 0

    def obstruct(self) -> None:
        """Put something in the lid's way."""
        self._rig.do(f"obstruct {self._number} 1")

    def clear(self) -> None:
        """Remove what was in the lid's way."""
        self._rig.do(f"obstruct {self._number} 0")


class RiggedPlant(BasePlant[RiggedLid]):
    """Lids and readers of a controller's program; bins and their content are simulated."""

    def __init__(  # noqa: PLR0913 (the parts of a place)
        self,
        settings: StationSettings,
        timeline: Timeline,
        inbox: Inbox,
        capacity: int,
        *,
        drivers: Mapping[str, Lid],
        rig: RigLines,
        people: Neighbourhood,
    ) -> None:
        """Take `drivers`, the station's lids by bin, at the controller whose test rig is `rig`."""
        self._numbers = {
            section.lid.number: section.id
            for section in settings.bin
            if isinstance(section.lid, ControllerLid)
        }
        lids = {
            bin_id: RiggedLid(number, drivers[bin_id], rig, timeline)
            for number, bin_id in self._numbers.items()
        }
        super().__init__(settings, timeline, inbox, capacity, lids)
        self._rig = rig
        self._travel_ms = round(settings.visit.travel_s * _MS)
        self._readers = {reader.id: reader for reader in settings.reader}
        self._fobs = {person.card: person.number for person in (*people.known, *people.strangers)}

    def start(self) -> None:
        """Set the lids' travel time and the cabinet's sensors, and begin to poll the lids' positions."""
        self._rig.start(self._see)
        self._rig.do(*(f"travel {number} {self._travel_ms}" for number in self._numbers))
        self._rig.do(*(f"sensor {kind.value} 0 {value}" for kind, value in _CABINET.items()))

    def stop(self) -> None:
        """Stop polling."""
        self._rig.stop()

    def read(self, reader: str, card: str) -> None:
        """Have a reader read a fob: the test rig sends what a reader of its kind sends."""
        section = self._readers[reader]
        sent = kind_of(section).transmit(section, self._fobs[card])
        if (wired := section.wiring.input) is None:
            return
        line = f"{_LINES[wired.kind]} {wired.number} {_payload(sent)}"
        self._rig.do(line)
        if sent.repeat_s is not None:
            self.timeline.call_in(sent.repeat_s, lambda: self._rig.do(line))

    def _see(self, number: int, position: float, drive: int) -> None:
        if number in self._numbers:
            self.lids[self._numbers[number]].see(position, drive)


def _payload(sent: Transmission) -> str:
    """Format what a reader sends for a line of the test rig."""
    return sent.payload.hex() if isinstance(sent.payload, bytes) else sent.payload
