"""One microcontroller: its serial port, and the lids, readers and sensors behind it."""

from __future__ import annotations

import logging
import secrets
from collections.abc import Iterator
from contextlib import ExitStack

from config.errors import InputError
from config.station import StationSettings
from config.wiring import ControllerLid, ControllerSection
from edge.faults import FaultCode
from edge.hardware.contacts import FULL
from edge.hardware.controller.cabinet import Cabinet
from edge.hardware.controller.parts import EmergencyInputs, McuLid, Part
from edge.hardware.debounce import DebounceTimes
from edge.hardware.fault_latch import FaultLatch
from edge.hardware.level import LevelSensor
from edge.hardware.weight.scale import Scale
from edge.messages import FaultRaised
from edge.part_kinds import STATION
from edge.readers.kind import ControllerPart, ReaderServices
from edge.readers.registry import kind_of
from firmware_bridge.controller import Controller, ControllerEvent, PortFound, PortLost
from firmware_bridge.link.events import (
    Down,
    DownReason,
    LeaseAcknowledged,
    Noisy,
    Received,
    Rejected,
    Up,
    VersionRefused,
    WrongDevice,
)
from firmware_bridge.link.messages import OpenLid, Reason, Resume, StopMotors
from firmware_bridge.port_protocol import BUSY

log = logging.getLogger(__name__)

_TROUBLES = (
    FaultCode.CONTROLLER_LOST,
    FaultCode.CONTROLLER_FOREIGN,
    FaultCode.CONTROLLER_VERSION,
    FaultCode.PORT_BUSY,
)


class Mcu:
    """Keeps the link to one microcontroller and passes its reports on. Implements `edge.ports.Mover`.

    Its faults clear by themselves: it reopens the port and repeats the handshake while the station runs.
    The station's other parts keep working.
    """

    def __init__(
        self,
        section: ControllerSection,
        settings: StationSettings,
        services: ReaderServices,
        *,
        full_times: DebounceTimes = FULL,
    ) -> None:
        """Make the controller's parts; nothing is opened before `start`. Readers' drivers get `services`.

        `full_times`: how long a bin's level must be stable before it counts.
        """
        self.id = section.id
        clock, inbox = services.clock, services.inbox
        self._clock, self._inbox = clock, inbox
        self._is_stopped = False
        self._troubles = {code: FaultLatch(code, section.id, clock, inbox) for code in _TROUBLES}
        self._noisy = FaultLatch(FaultCode.CONTROLLER_NOISY, section.id, clock, inbox)
        self._controller = Controller(section.port, self._handle_event, clock.now, _draw_id, self._poll)
        self.lids = {
            bin_.id: McuLid(bin_.id, bin_.lid.number, settings.visit, clock, inbox)
            for bin_ in settings.bin
            if isinstance(bin_.lid, ControllerLid) and bin_.lid.controller == section.id
        }
        for lid in self.lids.values():
            lid.send_by(self._controller.ask)
        self._levels = [
            LevelSensor(bin_.id, bin_.level, clock, inbox, settling=full_times)
            for bin_ in settings.bin
            if bin_.level is not None and bin_.level.controller == section.id
        ]
        self._readers = list(_readers(section.id, settings, services))
        self.cabinet = Cabinet(section, self.lids, clock, inbox)
        alarms = EmergencyInputs(section.id, clock, inbox)
        self._scales: list[Scale] = []
        self._parts: tuple[Part, ...] = (
            *self.lids.values(),
            *self._levels,
            *self._readers,
            alarms,
            self.cabinet,
        )

    def add_scale(self, scale: Scale) -> None:
        """Pass a scale its reports; call before `start`."""
        self._scales.append(scale)
        self._parts = (*self._parts, scale)

    def start(self) -> None:
        """Open the port. Call it once."""
        for level in self._levels:
            level.start()
        self._controller.start()

    def stop(self) -> None:
        """End every lease and close the port; does nothing before `start`."""
        with ExitStack() as stops:
            stops.callback(self._controller.stop)
            for level in self._levels:
                stops.callback(level.stop)
            for lid in self.lids.values():
                lid.end_lease()

    def stop_motors(self) -> None:
        """Turn every motor off until `resume_motors`: now, or as soon as there is a link."""
        self._is_stopped = True
        self._controller.ask(StopMotors())

    def resume_motors(self) -> None:
        """Let motors run again at the next command. A device without a link stays stopped."""
        self._is_stopped = False
        self._controller.ask(Resume())
        for lid in self.lids.values():
            lid.report_position()

    def _poll(self) -> None:
        self.cabinet.poll()
        for reader in self._readers:
            reader.poll()
        for scale in self._scales:
            scale.poll()

    def _handle_event(self, event: ControllerEvent) -> None:
        """Handle one event; called on the port's thread, in order."""
        match event:
            case Received(report):
                for part in self._parts:
                    part.handle_report(report)
            case Up(welcome):
                version = ".".join(map(str, welcome.firmware))
                log.info("controller %s: firmware %s, %d lids", self.id, version, welcome.lids)
                if self._is_stopped:
                    self._controller.ask(StopMotors())
                self._show(None)
                for part in self._parts:
                    part.link_up(welcome)
            case LeaseAcknowledged() | Noisy():
                self._handle_notice(event)
            case Rejected(request, reason):
                self._log_rejection(request, reason)
            case PortFound():
                log.info("controller %s: its port is open", self.id)
            case _:
                self._failed(*_diagnosis(event))

    def _handle_notice(self, event: LeaseAcknowledged | Noisy) -> None:
        match event:
            case LeaseAcknowledged(number):
                for lid in self.lids.values():
                    lid.lease_taken(number)
            case Noisy(is_so):
                log.warning("controller %s: its line is %s", self.id, "noisy" if is_so else "quiet again")
                self._noisy.show(on=is_so)

    def _failed(self, code: FaultCode | None, why: str) -> None:
        log.warning("controller %s: %s", self.id, why)
        if code is not None:
            self._show(code)
        for part in self._parts:
            part.link_down()

    def _show(self, code: FaultCode | None) -> None:
        for each, latch in sorted(self._troubles.items(), key=lambda pair: pair[0] is code):
            latch.show(on=each is code)  # end the old fault before the new one begins

    def _log_rejection(self, request: object, reason: Reason) -> None:
        # A refused OpenLid is only a warning: a missing lid, smoke and panic have their own faults.
        level = logging.WARNING if isinstance(request, OpenLid) else logging.ERROR
        log.log(level, "controller %s refused %s: %s", self.id, request, reason.name.lower())
        if isinstance(request, OpenLid):
            for lid in self.lids.values():
                lid.lease_refused(request.lid)
        if reason is Reason.MOTORS_STOPPED:  # by a panic that the station has not seen, or not yet
            self._inbox.post(FaultRaised(self._clock.now(), FaultCode.EMERGENCY_STOP, STATION))


def _readers(
    controller: str, settings: StationSettings, services: ReaderServices
) -> Iterator[ControllerPart]:
    """Make the drivers of all readers at one controller; InputError for a kind that needs a port."""
    for section in settings.reader:
        wired = section.wiring.input
        if wired is None or wired.controller != controller:
            continue
        kind = kind_of(section)
        if kind.attach is None:
            raise InputError(f"reader {section.id}: {kind.name} cannot be at a controller", "name its port")
        yield kind.attach(section, wired, services)


def _diagnosis(event: Down | PortLost | VersionRefused | WrongDevice) -> tuple[FaultCode | None, str]:
    """Return an event's fault, None if the previous event raised it already; and the text for the log."""
    match event:
        case PortLost(reason):
            return (FaultCode.PORT_BUSY if reason == BUSY else FaultCode.CONTROLLER_LOST), reason
        case Down(DownReason.PORT_LOST):
            return None, "no link without its port"
        case Down(reason):
            return FaultCode.CONTROLLER_LOST, f"no link ({reason})"
        case VersionRefused(lowest, highest, theirs):
            ours = str(lowest) if lowest == highest else f"{lowest} to {highest}"
            return FaultCode.CONTROLLER_VERSION, f"it speaks version {theirs}, this station {ours}"
        case WrongDevice(other_device):
            return FaultCode.CONTROLLER_FOREIGN, f"no microcontroller of ours: {other_device}"


def _draw_id() -> int:
    return secrets.randbelow(0xFFFF_FFFF) + 1
