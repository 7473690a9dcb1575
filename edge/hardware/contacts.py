"""Debounced contacts: a lid's switches, buttons, full switches, the panic button.

An edge only wakes a thread that reads levels. So a phantom edge (gpiozero#1090) changes nothing, and a lost
edge costs half a second at most.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable

from edge.faults import FaultCode
from edge.hardware.debounce import Debounced, DebounceTimes, debounce, debounced_at
from edge.hardware.fault_latch import FaultLatch
from edge.hardware.pins import Contact, Factory
from edge.hardware.polled_thread import PolledThread
from edge.messages import LevelChanged, Pressed
from edge.part_kinds import STATION
from edge.ports import Clock, Inbox

POLL_S = 0.5
"""Levels are read this often even without an edge."""
BUTTON = DebounceTimes(0.03, 0.03)
PANIC = DebounceTimes(0.5, 0.05)
"""A closed contact is a released panic button; open for 50 ms is a press, shorter is a motor's spark."""
FULL = DebounceTimes(3.0, 3.0)
"""Waste that falls past a full switch closes it for less than this."""


class DebouncedContact:
    """A contact and its debounced level. Not thread-safe: read it from one thread."""

    def __init__(self, contact: Contact, settling: DebounceTimes) -> None:
        self._contact = contact
        self._settling = settling
        self._state = Debounced()

    @property
    def is_closed(self) -> bool | None:
        """The settled level; None while none has settled yet."""
        return self._state.level

    @property
    def due(self) -> float:
        """When to read it again, in monotonic seconds; inf while the level is settled."""
        return debounced_at(self._state, self._settling)

    def read(self, now: float) -> bool:
        """Read the contact; return whether its settled level changed."""
        before = self._state.level
        self._state = debounce(self._state, self._contact.is_closed, now, self._settling)
        return self._state.level is not before

    def close(self) -> None:
        """Release the pin."""
        self._contact.close()


class _Watched(ABC):
    """A contact that is read on its own thread."""

    def __init__(
        self,
        name: str,
        pin: int,
        settling: DebounceTimes,
        clock: Clock,
        factory: Factory,
        failed: Callable[[], None] = lambda: None,
    ) -> None:
        self._clock = clock
        self._loop = PolledThread(name, self._poll, failed)
        self._contact = DebouncedContact(Contact(pin, self._loop.wake, factory), settling)

    @property
    def is_closed(self) -> bool | None:
        """The settled level; None while none has settled yet."""
        return self._contact.is_closed

    def start(self) -> None:
        """Begin to watch. Call it once."""
        self._loop.start()

    def stop(self) -> None:
        """Stop watching and release the pin."""
        self._loop.stop()
        self._contact.close()

    def _poll(self) -> float:
        now = self._clock.now()
        was_known = self._contact.is_closed is not None
        if self._contact.read(now):
            self._level_changed(bool(self._contact.is_closed), is_first=not was_known)
        return max(0.0, min(POLL_S, self._contact.due - now))

    @abstractmethod
    def _level_changed(self, level: bool, *, is_first: bool) -> None:  # noqa: FBT001 (a level is its own name)
        """Act on a new settled level; `is_first` for the level found at start."""


class PanicButton(_Watched):
    """The Pi's own panic button: raises PANIC of the station while it is pressed, which stops every motor.

    Its contact is closed while the button is released, so a broken wire, an unplugged button or a pin that
    cannot be read counts as pressed.
    """

    def __init__(self, pin: int, clock: Clock, inbox: Inbox, factory: Factory) -> None:
        """Claim the pin; InputError if it cannot be had. Nothing is posted before `start`."""
        self._latch = FaultLatch(FaultCode.PANIC, STATION, clock, inbox)
        super().__init__("panic", pin, PANIC, clock, factory, self._press)

    def _press(self) -> None:
        self._latch.show(on=True)

    def _poll(self) -> float:
        wait_s = super()._poll()
        if self.is_closed is not None:  # also after a failed poll, when no level changed
            self._latch.show(on=not self.is_closed)
        return wait_s

    def _level_changed(self, level: bool, *, is_first: bool) -> None:  # noqa: FBT001 (a level is its own name)
        """Do nothing: `_poll` reports the level."""


class GpioButton(_Watched):
    """A bin's button, which connects its pin to ground: posts Pressed once for each press.

    A button that is held down at start must be released first.
    """

    def __init__(self, bin_id: str, pin: int, clock: Clock, inbox: Inbox, factory: Factory) -> None:
        """Claim the pin; InputError if it cannot be had. Nothing is posted before `start`."""
        super().__init__(f"button {bin_id}", pin, BUTTON, clock, factory)
        self._bin = bin_id
        self._inbox = inbox

    def _level_changed(self, level: bool, *, is_first: bool) -> None:  # noqa: FBT001 (a level is its own name)
        if level and not is_first:
            self._inbox.post(Pressed(self._clock.now(), self._bin))


class FullSwitch(_Watched):
    """A bin's full switch, which connects its pin to ground while the bin is full: posts LevelChanged.

    A bin that is full at start is posted too.
    """

    def __init__(
        self,
        bin_id: str,
        pin: int,
        clock: Clock,
        inbox: Inbox,
        factory: Factory,
        *,
        settling: DebounceTimes = FULL,
    ) -> None:
        """Claim the pin; InputError if it cannot be had. Nothing is posted before `start`."""
        super().__init__(f"full switch {bin_id}", pin, settling, clock, factory)
        self._bin = bin_id
        self._inbox = inbox

    def _level_changed(self, level: bool, *, is_first: bool) -> None:  # noqa: FBT001 (a level is its own name)
        if level or not is_first:
            self._inbox.post(LevelChanged(self._clock.now(), self._bin, full=level))
