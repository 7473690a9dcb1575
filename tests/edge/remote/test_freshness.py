"""Property: whatever the clocks, restarts, repeats and orders of arrival, a command acts once and in time."""

from __future__ import annotations

from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from cloud_sync.wire.commands import (
    LIFE_S,
    Answer,
    CloseBin,
    Ending,
    OpenBin,
    RemoteCommand,
    Why,
)
from cloud_sync.wire.sealed_commands import seal
from edge.remote.freshness import ROOM, Boot, Register
from edge.remote.protocol import MAX_PACKET, command_in, packed
from tests.edge.builders import BOOT, command

HERE = Boot("lane", "gate", BOOT)
UPTIME = 5000.0


def fresh(number: int = 1, **changed: Any) -> RemoteCommand:  # noqa: ANN401 (as RemoteCommand has them)
    return command(OpenBin("kitchen"), number, **({"not_after": UPTIME + LIFE_S} | changed))


def done(one: RemoteCommand, at: float) -> Answer:
    return Answer(one.id, "lane", "gate", Ending.DONE, at, lid="open", after_s=1.0)


def test_a_command_acts_at_its_first_coming_and_is_answered_alike_ten_times() -> None:
    register, one = Register(HERE), fresh()
    assert register.take(one, UPTIME) == one
    assert register.take(one, UPTIME + 1) is None, "its end is not known yet"
    answer = register.end(one.id, done(one, UPTIME + 2))
    assert {register.take(one, UPTIME + 3 + again) for again in range(10)} == {answer}


@pytest.mark.parametrize(
    ("changed", "outcome", "why"),
    [
        ({"station": "other"}, Ending.REFUSED, Why.NOT_MINE),
        ({"community": "other"}, Ending.REFUSED, Why.NOT_MINE),
        ({"boot": "c" * 32}, Ending.EXPIRED, Why.OTHER_BOOT),
        ({"not_after": UPTIME - 1}, Ending.EXPIRED, Why.TOO_LATE),
        ({"not_after": UPTIME + 7 * 86_400}, Ending.REFUSED, Why.TOO_FAR),
    ],
)
def test_a_command_that_may_not_act_is_answered_with_the_reason(
    changed: dict[str, Any], outcome: Ending, why: Why
) -> None:
    register, one = Register(HERE), fresh(**changed)
    answer = register.take(one, UPTIME)
    assert isinstance(answer, Answer)
    assert (answer.outcome, answer.why, answer.station) == (outcome, why, "gate")
    assert register.take(one, UPTIME + 5) == answer, "and again with the same"


def test_a_full_register_refuses_and_never_forgets_what_may_act_again() -> None:
    register = Register(HERE)
    for number in range(ROOM):
        one = fresh(number)
        assert register.take(one, UPTIME) == one
        register.end(one.id, done(one, UPTIME))
    refused = register.take(fresh(ROOM), UPTIME)
    assert isinstance(refused, Answer)
    assert refused.why is Why.TOO_MANY
    later = UPTIME + LIFE_S + 1
    next_one = fresh(ROOM, not_after=later + LIFE_S)
    assert register.take(next_one, later) == next_one, "there is room once the old ones cannot act"
    assert len(register.remembered) <= ROOM


ARRIVALS = st.lists(
    st.tuples(
        st.integers(0, 5),
        st.floats(-40, 40),
        st.sampled_from([BOOT, "c" * 32]),
        st.sampled_from(["gate", "other"]),
        st.floats(0, 20),
        st.booleans(),
    ),
    max_size=60,
)


@given(ARRIVALS)
def test_no_effect_after_the_end_one_effect_an_id_and_none_for_another_boot_or_station(
    arrivals: list[tuple[int, float, str, str, float, bool]],
) -> None:
    """Each arrival: id, how far ahead its end lies, boot, station, time that passes, whether we restart."""
    token, uptime, restarts = BOOT, UPTIME, 0
    register = Register(HERE)
    effects: list[str] = []
    answers: dict[str, Answer] = {}
    sent: dict[int, RemoteCommand] = {}
    for number, ahead, boot, station, passes, restart in arrivals:
        uptime += passes
        if restart:
            restarts += 1
            token = f"{restarts:032x}"
            register = Register(Boot("lane", "gate", token))
            answers.clear()
        # The same id always carries the same content: only the ledger signs, and it signs an id once.
        one = sent.setdefault(
            number, fresh(number, not_after=max(0.0, uptime + ahead), boot=boot, station=station)
        )
        taken = register.take(one, uptime)
        if isinstance(taken, RemoteCommand):
            assert uptime <= one.not_after <= uptime + LIFE_S + 1
            assert (one.boot, one.station) == (token, "gate")
            effects.append(one.id)
            taken = register.end(one.id, done(one, uptime))
        assert isinstance(taken, Answer)
        assert answers.setdefault(one.id, taken) == taken
    assert len(effects) == len(set(effects))


def test_every_packet_fits_its_bounds() -> None:
    longest = command(
        CloseBin("b" * 64), community="c" * 64, station="s" * 64, issuer="王" * 64, reason="因" * 200
    )
    assert len(packed(longest)) < MAX_PACKET
    assert command_in(packed(longest)) == longest
    assert len(seal(Ed25519PrivateKey.generate(), longest)) < MAX_PACKET
