"""Commands to a station, its answers, and its pulse: what travels on `commands` and `answers`. Pure.

All three are signed (`sealed_commands.py`): a command by the ledger's key, the others by the station's. Who
owns the broker can delay, drop or repeat them; that costs at most the command.

A command is for one boot of one station and ends at an uptime of that boot: no calendar matters, and a
restart voids all. The ledger takes boot and uptime only from a signed pulse: a forged one could make a
command live longer; an old one only shortens its life.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated, Literal

import msgspec
from msgspec import Meta, Struct

from cloud_sync.wire.facts import Name

LIFE_S = 30.0
"""How long after its making a command may act."""
AGAIN_S = 3.0
"""How often it is sent again until it is answered."""
PULSE_S = 10.0
"""How often a connected station sends its pulse."""
MAX_ISSUER, MAX_REASON, MAX_DETAIL = 64, 200, 200

CommandId = Annotated[str, Meta(pattern=r"^[0-9a-f]{32}\Z")]
"""32 random hex digits; a repeated command has the same."""
BootToken = Annotated[str, Meta(pattern=r"^[0-9a-f]{32}\Z")]
"""One start of `station run`: 32 random hex digits."""
UptimeS = Annotated[float, Meta(ge=0, le=1e10)]
"""Seconds of CLOCK_BOOTTIME, which counts a suspended machine's time too."""

Part = Literal["eye", "lids", "sync"]
"""A process of the station, by the name of its command."""
SpokenPrompt = Literal["tap_first", "wait", "clear_lid", "card_blocked", "out_of_service"]
"""Prompts that an officer may have said; they need nothing filled in, and none raises a false alarm."""


class OpenBin(Struct, frozen=True, forbid_unknown_fields=True, tag_field="do", tag="open"):
    """Open a bin's lid for one lease, as a resident's card would."""

    bin: Name


class CloseBin(Struct, frozen=True, forbid_unknown_fields=True, tag_field="do", tag="close"):
    """End the lease of a bin's lid; an obstruction still keeps it open."""

    bin: Name


class EndService(Struct, frozen=True, forbid_unknown_fields=True, tag_field="do", tag="out_of_service"):
    """Open no lid for residents until `ResumeService`, also after a restart."""


class ResumeService(Struct, frozen=True, forbid_unknown_fields=True, tag_field="do", tag="in_service"):
    """Serve residents again."""


class RestartPart(Struct, frozen=True, forbid_unknown_fields=True, tag_field="do", tag="restart"):
    """End one process of the station; systemd starts it again."""

    part: Part


class SayPrompt(Struct, frozen=True, forbid_unknown_fields=True, tag_field="do", tag="say"):
    """Say a prompt."""

    prompt: SpokenPrompt


class Identify(Struct, frozen=True, forbid_unknown_fields=True, tag_field="do", tag="identify"):
    """Show and say at the station that this is the one."""


Verb = OpenBin | CloseBin | EndService | ResumeService | RestartPart | SayPrompt | Identify
"""What a command asks for."""


VERBS: Mapping[str, type[Verb]] = {
    "open": OpenBin,
    "close": CloseBin,
    "out_of_service": EndService,
    "in_service": ResumeService,
    "restart": RestartPart,
    "say": SayPrompt,
    "identify": Identify,
}
"""Every verb by its name."""


def words_of(verb: Verb) -> tuple[str, str]:
    """Return a verb's name, and what it is about: a bin, a part, a prompt, or nothing."""
    values = [str(getattr(verb, name)) for name in verb.__struct_fields__]
    return str(verb.__struct_config__.tag), " ".join(values)


def verb_of(name: str, about: str = "") -> Verb:
    """Return the verb of a name; ValueError if there is none of it, or it is not about such a thing."""
    kind = VERBS.get(name)
    if kind is None:
        raise ValueError(f"no command is called {name!r}")
    fields = kind.__struct_fields__
    if bool(fields) != bool(about):
        raise ValueError(f"{name} is about {'a ' + fields[0] if fields else 'nothing'}")
    verb: Verb = msgspec.convert({"do": name} | dict.fromkeys(fields, about), kind)
    return verb


class RemoteCommand(Struct, frozen=True, forbid_unknown_fields=True, tag_field="kind", tag="command"):
    """One officer's order to one boot of one station. An unknown field or verb makes it unreadable."""

    id: CommandId
    community: Name
    station: Name
    boot: BootToken
    not_after: UptimeS
    """The station's uptime after which it does nothing."""
    verb: Verb
    issuer: Annotated[str, Meta(min_length=1, max_length=MAX_ISSUER)]
    reason: Annotated[str, Meta(min_length=1, max_length=MAX_REASON)]


class Ending(StrEnum):
    """How a command ended at the station."""

    DONE = "done"
    """Done, and for a lid its switch said so."""
    REFUSED = "refused"
    """Nothing was done."""
    UNSEEN = "unseen"
    """It was tried, and no switch reported the end in time."""
    EXPIRED = "expired"
    """It came too late, or is for an earlier boot. Nothing was done."""


class Why(StrEnum):
    """Why a command did not end as asked."""

    NOT_MINE = "not_mine"
    OTHER_BOOT = "other_boot"
    TOO_LATE = "too_late"
    TOO_FAR = "too_far"
    """Its end lies further ahead than any command's may."""
    TOO_MANY = "too_many"
    STOPPING = "stopping"
    NO_SUCH_BIN = "no_such_bin"
    NO_SUCH_PART = "no_such_part"
    """This station has no such process, or it does not answer."""
    EMERGENCY = "emergency"
    OUT_OF_SERVICE = "out_of_service"
    BUSY = "busy"
    """Somebody uses the station."""
    FAULT = "fault"
    """A fault blocks the lid."""
    FULL = "full"
    MOVER = "mover"
    """What moves the lid refused, for example because its motor rests."""
    OBSTRUCTED = "obstructed"
    LID_OPEN = "lid_open"
    """A lid stands open."""
    NOT_SEEN = "not_seen"
    """No switch reported the lid within its travel time."""


class Answer(Struct, frozen=True, omit_defaults=True, tag_field="kind", tag="answer"):
    """What became of a command; the station repeats it for each repetition of the command."""

    id: CommandId
    community: Name
    station: Name
    outcome: Ending
    at: UptimeS
    """The station's uptime when the command ended."""
    why: Why | None = None
    lid: Literal["open", "shut"] | None = None
    """What the lid's switch reported."""
    after_s: Annotated[float, Meta(ge=0)] | None = None
    """How long after the order it reported that."""


class Pulse(Struct, frozen=True, tag_field="kind", tag="pulse"):
    """A station's boot and its uptime at the moment of sending."""

    community: Name
    station: Name
    boot: BootToken
    uptime: UptimeS
