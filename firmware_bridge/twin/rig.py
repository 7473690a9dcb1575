"""The test rig around a board: its plant, its readers, and the lines that drive them. Pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from firmware_bridge.h_bridge import Drive
from firmware_bridge.link.messages import MAX_SERIAL, Report, SensorKind, SerialBytes, Welcome, WiegandBits
from firmware_bridge.twin.board import Board, Inputs, Sensor
from firmware_bridge.twin.plant import OPEN, SHUT, PlantLid

FIRMWARE = (1, 1, 0)
_SWITCH_LEVELS = {"auto": None, "0": False, "1": True}
_LEVELS = {"0": False, "1": True}
_WIEGAND_BITS = range(4, 65)


class Rig:
    """A board with lids, readers and sensors. `step` lets time pass; `line` carries out a test's line."""

    def __init__(self, welcome: Welcome, draw_boot: Callable[[], int], now: float) -> None:
        """Take `welcome`, which counts the parts, and `draw_boot`, which gives a new boot id."""
        self._welcome = welcome
        self._draw_boot = draw_boot
        self._lids = [PlantLid() for _ in range(welcome.lids)]
        self._sensors: dict[Sensor, int] = {
            (kind, 0): 0 for kind in SensorKind if welcome.sensors >> kind & 1
        }
        self._silent: set[Sensor] = set()
        self._taps: list[Report] = []
        self._now = now
        self._board = self._boot()

    def step(self, data: bytes, now: float) -> bytes:
        """Let motors run until `now`, then give `data` to the board; return what it writes."""
        for lid in self._lids:
            lid.advance(now - self._now)
        self._now = now
        taps, self._taps = self._taps, []
        out = self._board.step(data, self._inputs(), taps, now)
        self._drive(self._board.drives)
        return out

    def next_due(self) -> float:
        """Return when `step` must be called next, also for a lid that arrives at an end."""
        arrivals = [self._now + _to_go_s(lid) for lid in self._lids if lid.drive is not Drive.OFF]
        return min([self._board.next_due(), *arrivals])

    def line(self, text: str) -> str:
        """Carry out one line; return its answer."""
        try:
            return self._do(*text.split()) or "ok"
        except (KeyError, ValueError, IndexError, TypeError) as error:
            return f"error {error}"

    def _boot(self) -> Board:
        return Board(self._draw_boot(), self._welcome, self._inputs(), self._now)

    def _inputs(self) -> Inputs:
        return Inputs(
            [lid.seen() for lid in self._lids],
            {at: value for at, value in self._sensors.items() if at not in self._silent},
        )

    def _drive(self, drives: Sequence[Drive]) -> None:
        for lid, drive in zip(self._lids, drives, strict=True):
            lid.drive = drive

    def _do(self, word: str, *rest: str) -> str | None:
        match word:
            case "lid" | "travel" | "place" | "jam" | "obstruct" | "switch":
                return self._do_lid(word, int(rest[0]), *rest[1:])
            case "wiegand":
                self._wiegand(*rest)
            case "serial":
                self._serial(*rest)
            case "sensor":
                self._sensor(*rest)
            case "reboot" if not rest:
                self._drive([Drive.OFF] * len(self._lids))
                self._board = self._boot()
            case _:
                raise ValueError(f"no such line: {word}")
        return None

    def _do_lid(self, word: str, number: int, *rest: str) -> str | None:
        lid = self._lids[_below(number, len(self._lids))]
        match word, rest:
            case "lid", ():
                return f"lid {number} {round(lid.place)} {lid.drive}"
            case "travel", (travel_ms,):
                lid.travel_ms = _positive(int(travel_ms))
            case "place", (place,):
                lid.place = min(max(int(place), SHUT), OPEN)
            case "jam", (level,):
                lid.is_jammed = _LEVELS[level]
            case "obstruct", (level,):
                lid.is_obstructed = _LEVELS[level]
            case "switch", ("open", level):
                lid.open_switch = _SWITCH_LEVELS[level]
            case "switch", ("shut", level):
                lid.shut_switch = _SWITCH_LEVELS[level]
            case _:
                raise ValueError(f"{word} does not take {' '.join(rest)}")
        return None

    def _wiegand(self, reader: str, bits: str) -> None:
        if set(bits) - set("01") or len(bits) not in _WIEGAND_BITS:
            raise ValueError(f"no 4 to 64 bits: {bits}")
        self._taps.append(WiegandBits(_below(int(reader), self._welcome.wiegand_readers), bits))

    def _serial(self, reader: str, digits: str) -> None:
        number, data = _below(int(reader), self._welcome.serial_readers), bytes.fromhex(digits)
        self._taps += [
            SerialBytes(number, data[at : at + MAX_SERIAL]) for at in range(0, len(data), MAX_SERIAL)
        ]

    def _sensor(self, kind: str, index: str, value: str) -> None:
        sensor = (SensorKind(int(kind)), int(index))
        if sensor not in self._sensors:
            raise ValueError(f"no such sensor: {kind} {index}")
        if sensor[0] is SensorKind.WEIGHT and value == "silent":
            self._silent.add(sensor)
        else:
            self._sensors[sensor] = int(value)
            self._silent.discard(sensor)


def _below(number: int, count: int) -> int:
    if not 0 <= number < count:
        raise ValueError(f"there are {count}, from 0: {number}")
    return number


def _positive(number: int) -> int:
    if number < 1:
        raise ValueError(f"not above 0: {number}")
    return number


def _to_go_s(lid: PlantLid) -> float:
    way = OPEN - lid.place if lid.drive is Drive.OPEN else lid.place - SHUT
    return max(0.001, way / OPEN * lid.travel_ms / 1000)
