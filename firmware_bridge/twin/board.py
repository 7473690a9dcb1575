"""A simulated microcontroller: its link, its lids and the reports of its inputs. Pure: time is passed in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import inf

from firmware_bridge.h_bridge import Drive
from firmware_bridge.lid_motion import LidInputs
from firmware_bridge.link.messages import (
    Cause,
    EndLease,
    OpenLid,
    Reason,
    Refused,
    Report,
    Request,
    Resume,
    SensorKind,
    SensorValue,
    SetLid,
    StopMotors,
    Welcome,
)
from firmware_bridge.twin.device_link import DeviceEvent, DeviceLink, HostSilent, LinkBegan, RequestReceived
from firmware_bridge.twin.lid import TwinLid

Sensor = tuple[SensorKind, int]
"""A sensor's kind and index."""
WEIGHT_AGAIN_S = 5.0
"""A working scale is reported at least this often, so that silence means a fault."""


@dataclass(frozen=True, slots=True)
class Inputs:
    """The levels of all contacts and the readings of all sensors."""

    lids: Sequence[LidInputs]
    sensors: Mapping[Sensor, int]
    """Only those that give a reading."""


class Board:
    """One run of a microcontroller, from one start to the next."""

    def __init__(self, boot: int, welcome: Welcome, inputs: Inputs, now: float) -> None:
        """Start with the id `boot`; `welcome` says what the board has."""
        self._link = DeviceLink(boot, welcome, now)
        self._lids = [TwinLid(number, seen, now) for number, seen in enumerate(inputs.lids)]
        self._inputs = inputs
        self._is_stopped = False
        self._sensors: dict[Sensor, int] = {}
        self._reported_at: dict[Sensor, float] = {}

    @property
    def drives(self) -> list[Drive]:
        """What each motor does."""
        return [lid.drive for lid in self._lids]

    def step(self, data: bytes, inputs: Inputs, taps: Sequence[Report], now: float) -> bytes:
        """Take the host's bytes, the inputs and the readers' reports; return what to write."""
        self._inputs = inputs
        self._watch_hazards(now)
        for event in self._link.receive(data, now):
            self._take(event, now)
        for report in [*self._lid_news(now), *self._sensor_news(now), *taps]:
            self._link.report(report, now)
        out, events = self._link.send(now)
        for event in events:
            self._take(event, now)
        return out

    def next_due(self) -> float:
        """Return when `step` must be called even without bytes or a changed input."""
        again = (
            self._reported_at.get(at, -inf) + WEIGHT_AGAIN_S for at in self._inputs.sensors if _is_weight(at)
        )
        return min([self._link.next_due(), *again, *(lid.due() for lid in self._lids)], default=inf)

    def _take(self, event: DeviceEvent, now: float) -> None:
        match event:
            case LinkBegan():
                self._end_leases(Cause.HOST_SILENT, now)
                self._sensors.clear()
                for lid in self._lids:
                    lid.report_again()
            case HostSilent():
                self._end_leases(Cause.HOST_SILENT, now)
            case RequestReceived(number, request):
                reason = self._do(request, now)
                if reason is not None:
                    self._link.report(Refused(number, reason), now)

    def _do(self, request: Request, now: float) -> Reason | None:
        match request:
            case StopMotors():
                self._stop(now)
                return None
            case Resume():
                return self._resume()
        if request.lid >= len(self._lids):
            return Reason.NO_SUCH_LID
        lid = self._lids[request.lid]
        match request:
            case SetLid():
                lid.set(request)
            case OpenLid(_, lease_ms) if lease_ms > 0:
                return self._open(lid, lease_ms / 1000, now)
            case OpenLid() | EndLease() if not self._is_stopped:
                lid.shut(Cause.ASKED, now)
        return None

    def _open(self, lid: TwinLid, lease_s: float, now: float) -> Reason | None:
        if self._is_stopped:
            return Reason.MOTORS_STOPPED
        if self._any(SensorKind.SMOKE):
            return Reason.SMOKE
        if lid.must_rest(now):
            return Reason.MOTOR_RESTS
        lid.open(lease_s, now)
        return None

    def _resume(self) -> Reason | None:
        if self._any(SensorKind.PANIC):
            return Reason.MOTORS_STOPPED
        self._is_stopped = False
        return None

    def _stop(self, now: float) -> None:
        self._is_stopped = True
        for lid in self._lids:
            lid.halt(Cause.MOTORS_STOPPED, now)

    def _end_leases(self, cause: Cause, now: float) -> None:
        for lid in self._lids:
            lid.end_lease(cause, now)

    def _watch_hazards(self, now: float) -> None:
        if self._any(SensorKind.PANIC) and not self._is_stopped:
            self._stop(now)
        if self._any(SensorKind.SMOKE):
            self._end_leases(Cause.SMOKE, now)

    def _any(self, kind: SensorKind) -> bool:
        return any(value for (other, _), value in self._inputs.sensors.items() if other is kind)

    def _lid_news(self, now: float) -> list[Report]:
        news = [lid.step(seen, now) for lid, seen in zip(self._lids, self._inputs.lids, strict=True)]
        return [report for report in news if report is not None]

    def _sensor_news(self, now: float) -> list[Report]:
        news = {
            at: value
            for at, value in self._inputs.sensors.items()
            if self._sensors.get(at) != value
            or (_is_weight(at) and now >= self._reported_at[at] + WEIGHT_AGAIN_S)
        }
        self._sensors.update(news)
        self._reported_at.update(dict.fromkeys(news, now))
        return [SensorValue(kind, index, value) for (kind, index), value in news.items()]


def _is_weight(sensor: Sensor) -> bool:
    return sensor[0] is SensorKind.WEIGHT
