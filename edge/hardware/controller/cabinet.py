"""A controller's cabinet: readings and faults of its temperature, its motors' supply and its door."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from cloud_sync.wire.station_state import (
    COLDEST_C,
    HOTTEST_C,
    MAX_AGE_S,
    MAX_VOLTS,
    CabinetReading,
    DoorReading,
    SupplyReading,
    TemperatureReading,
)
from config.wiring import ControllerSection
from edge.faults import FaultCode
from edge.hardware.debounce import Debounced, DebounceTimes, debounce
from edge.hardware.fault_latch import FaultLatch
from edge.ports import Clock, Inbox
from firmware_bridge.link.messages import Report, SensorKind, SensorValue, Welcome

HOT_TIMES = DebounceTimes(30.0, 30.0)
SUPPLY_TIMES = DebounceTimes(10.0, 10.0)
"""Longer than a starting motor lowers its supply, which is less than a second."""
DOOR_TIMES = DebounceTimes(60.0, 1.0)
"""Staff who work at the station keep the door open for a while."""
COOLED_C = 5.0
"""Hysteresis: the cabinet counts as cool again this far below its limit."""
RECOVERED = 1.05
"""Hysteresis: a supply counts as recovered at this multiple of its limit."""
_CENTI = 100
_MILLI = 1000
_SHOWN = (SensorKind.TEMPERATURE, SensorKind.SUPPLY, SensorKind.DOOR)
"""The order of readings."""


class Monitor:
    """Raises faults once a value is beyond its limit for a while; clears them once it is within again."""

    def __init__(
        self, is_beyond: Callable[[float, bool], bool], times: DebounceTimes, latches: Iterable[FaultLatch]
    ) -> None:
        """Call `is_beyond` with the value and, for its hysteresis, whether the faults are raised now."""
        self._is_beyond, self._times, self._latches = is_beyond, times, tuple(latches)
        self._value: float | None = None
        self._state = Debounced()

    def take(self, value: float, now: float) -> None:
        """Take a new value."""
        self._value = value
        self.poll(now)

    def poll(self, now: float) -> None:
        """Apply the time that has passed; without a value nothing changes."""
        if self._value is None:
            return
        is_beyond = self._is_beyond(self._value, self._state.level is True)
        self._state = debounce(self._state, is_beyond, now, self._times)
        for latch in self._latches:
            latch.show(on=self._state.level is True)


class Cabinet:
    """Keeps the cabinet's readings and posts its faults. Implements `Part`.

    CABINET_HOT, CABINET_OPEN and SUPPLY_LOW are warnings of the controller. Below `least_v` each of its bins
    has LID_UNPOWERED: residents cannot open it, because a motor without power could leave a lid half open. A
    lid that is open or moving keeps its lease. Without a link the last state stays.
    """

    def __init__(self, section: ControllerSection, bins: Iterable[str], clock: Clock, inbox: Inbox) -> None:
        """Watch the cabinet of `section`; `bins` are the bins whose lids its controller moves."""
        self._id, self._clock = section.id, clock
        self._newest: dict[SensorKind, tuple[int, float]] = {}
        """The last value and its time, by kind. Replaced, never changed: other threads read it."""
        hot_c = section.hot_c

        def latch(code: FaultCode, part: str = section.id) -> FaultLatch:
            return FaultLatch(code, part, clock, inbox)

        self._heat = Monitor(
            lambda value, is_raised: value >= hot_c - (COOLED_C if is_raised else 0.0),
            HOT_TIMES,
            [latch(FaultCode.CABINET_HOT)],
        )
        self._door = Monitor(lambda value, _: bool(value), DOOR_TIMES, [latch(FaultCode.CABINET_OPEN)])
        unpowered = [latch(FaultCode.LID_UNPOWERED, bin_id) for bin_id in bins]
        limits = ((section.low_v, [latch(FaultCode.SUPPLY_LOW)]), (section.least_v, unpowered))
        self._supply = [
            Monitor(_below(limit), SUPPLY_TIMES, latches) for limit, latches in limits if limit is not None
        ]

    def link_up(self, welcome: Welcome) -> None:
        """Forget the old link's readings: the device reports all values when a link begins."""
        del welcome
        self._newest = {}

    def link_down(self) -> None:
        """Keep the last state; the lost controller has its own fault."""

    def handle_report(self, report: Report) -> None:
        """Take a reading of the cabinet."""
        now = self._clock.now()
        match report:
            case SensorValue(SensorKind.TEMPERATURE, 0, centi_c):
                self._heat.take(centi_c / _CENTI, now)
            case SensorValue(SensorKind.SUPPLY, 0, millivolts):
                for monitor in self._supply:
                    monitor.take(millivolts / _MILLI, now)
            case SensorValue(SensorKind.DOOR, 0, is_open):
                self._door.take(is_open, now)
            case _:
                return
        self._newest = {**self._newest, report.kind: (report.value, now)}

    def readings(self) -> list[CabinetReading]:
        """Return the last reading of each sensor that has reported. Call it from any thread."""
        now, newest = self._clock.now(), self._newest
        found = (_reading(kind, self._id, *newest[kind], now) for kind in _SHOWN if kind in newest)
        return [reading for reading in found if reading is not None]

    def poll(self) -> None:
        """Apply the time that has passed. Call it several times a second."""
        now = self._clock.now()
        for monitor in (self._heat, self._door, *self._supply):
            monitor.poll(now)


def _reading(kind: SensorKind, part: str, value: int, at: float, now: float) -> CabinetReading | None:
    """Return a reading in its unit; None for a value that the sensor cannot have."""
    age_s = round(min(max(0.0, now - at), MAX_AGE_S), 1)
    match kind:
        case SensorKind.TEMPERATURE if COLDEST_C <= value / _CENTI <= HOTTEST_C:
            return TemperatureReading(part, value / _CENTI, age_s)
        case SensorKind.SUPPLY if 0 <= value / _MILLI <= MAX_VOLTS:
            return SupplyReading(part, value / _MILLI, age_s)
        case SensorKind.DOOR:
            return DoorReading(part, bool(value), age_s)
        case _:
            return None


def _below(limit: float) -> Callable[[float, bool], bool]:
    return lambda value, is_raised: value < limit * (RECOVERED if is_raised else 1.0)
