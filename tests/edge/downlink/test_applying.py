"""What a publication makes of what is held: any changes lead to the whole, anything else is refused."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from cloud_sync.wire.envelope import EnvelopeError, seal_frame
from cloud_sync.wire.publication import (
    Publication,
    PublishedKind,
    VersionStatement,
    currency,
    is_current,
    open_publication,
    seal,
)
from cloud_sync.wire.roster import CardStanding, RosterError, digest, pack, unpack
from edge.downlink.applying import Held, RefusedError, taken

KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
OTHER = Ed25519PrivateKey.from_private_bytes(bytes(32))

cards = st.integers(0, 40).map(lambda number: number.to_bytes(32, "big"))
known = st.sampled_from([CardStanding.RESIDENT, CardStanding.STAFF, CardStanding.BLOCKED])
rosters = st.dictionaries(cards, known, max_size=30)
deltas = st.dictionaries(cards, st.sampled_from(CardStanding), max_size=10)
ROSTER = {bytes(31) + b"\1": CardStanding.RESIDENT, bytes(31) + b"\2": CardStanding.STAFF}


def applied(
    base: Mapping[bytes, CardStanding], delta: Mapping[bytes, CardStanding]
) -> dict[bytes, CardStanding]:
    whole = {**base, **delta}
    return {card: standing for card, standing in whole.items() if standing is not CardStanding.GONE}


def published(
    content: bytes,
    version: int = 2,
    base: int = 0,
    whole: bytes | None = None,
    *,
    community: str = "lane",
    kind: str = "roster",
) -> Publication:
    told = VersionStatement(community, kind, version, base, digest(content if whole is None else whole))
    return open_publication(seal(KEY, told, content), KEY.public_key())


def refused(held: Held, publication: Publication, kind: PublishedKind = PublishedKind.ROSTER) -> RefusedError:
    with pytest.raises(RefusedError) as caught:
        taken(held, publication, "lane", kind)
    return caught.value


@given(rosters, st.lists(deltas, max_size=8))
def test_changes_one_after_the_other_or_at_once_lead_to_the_whole(
    roster: Mapping[bytes, CardStanding], changes: list[Mapping[bytes, CardStanding]]
) -> None:
    held = taken(Held(), published(pack(roster), 1), "lane", PublishedKind.ROSTER)
    whole: dict[bytes, CardStanding] = dict(roster)
    together: dict[bytes, CardStanding] = {}
    step = held
    for version, change in enumerate(changes, 2):
        whole, together = applied(whole, change), {**together, **change}
        one = published(pack(change), version, version - 1, pack(whole))
        step = taken(step, one, "lane", PublishedKind.ROSTER)
    assert step.content == pack(whole)
    assert unpack(step.content) == whole
    if changes:
        at_once = published(pack(together), len(changes) + 1, 1, pack(whole))
        assert taken(held, at_once, "lane", PublishedKind.ROSTER) == step


@given(st.data())
def test_any_flipped_bit_is_refused(data: st.DataObject) -> None:
    message = seal(KEY, VersionStatement("lane", "roster", 2, 0, digest(pack(ROSTER))), pack(ROSTER))
    bit = data.draw(st.integers(0, len(message) * 8 - 1))
    flipped = bytearray(message)
    flipped[bit // 8] ^= 1 << bit % 8
    with pytest.raises(EnvelopeError):
        open_publication(bytes(flipped), KEY.public_key())


@given(st.data())
def test_a_download_cut_off_anywhere_is_refused(data: st.DataObject) -> None:
    message = seal(KEY, VersionStatement("lane", "roster", 2, 0, digest(pack(ROSTER))), pack(ROSTER))
    with pytest.raises(EnvelopeError):
        open_publication(message[: data.draw(st.integers(0, len(message) - 1))], KEY.public_key())


def test_another_key_is_refused() -> None:
    message = seal(OTHER, VersionStatement("lane", "roster", 2, 0, digest(b"")), b"")
    with pytest.raises(EnvelopeError, match="no key"):
        open_publication(message, KEY.public_key())


def test_what_is_signed_but_no_publication_is_refused() -> None:
    for body in (b"{}\n", b"no line", b"x" * 2000 + b"\n"):
        with pytest.raises(EnvelopeError, match="malformed"):
            open_publication(seal_frame(KEY, body), KEY.public_key())


def test_an_older_version_is_refused_and_the_ledgers_side_can_mend_it() -> None:
    error = refused(Held(3, pack(ROSTER)), published(b"", 2))
    assert error.what == "version 2 is older than 3, which is held"
    assert "tongzhan ledger published renew" in error.mend
    assert not error.ask_whole


@pytest.mark.parametrize("wrong", [published(b"", community="other"), published(b"", kind="rules")])
def test_another_communitys_or_another_kind_is_refused(wrong: Publication) -> None:
    error = refused(Held(), wrong)
    assert error.what.startswith("the ledger sent the ")
    assert not error.ask_whole


def test_changes_that_lead_elsewhere_are_refused_and_the_whole_is_asked_for() -> None:
    held = Held(1, pack(ROSTER))
    change = {bytes(31) + b"\2": CardStanding.BLOCKED}
    assert refused(held, published(pack(change), 2, 1, b"another")).ask_whole
    assert refused(held, published(pack(change), 3, 2, pack(applied(ROSTER, change)))).ask_whole
    assert refused(held, published(b"x" * 33, 2, 1, b"")).ask_whole


def test_a_whole_that_is_not_what_it_says_is_refused_and_not_asked_for_again() -> None:
    assert not refused(Held(), published(pack(ROSTER), whole=b"another")).ask_whole
    assert not refused(Held(), published(b"x" * 33)).ask_whole


def test_the_same_version_again_changes_nothing() -> None:
    held = Held(2, pack(ROSTER))
    assert taken(held, published(pack(ROSTER), 2), "lane", PublishedKind.ROSTER) == held


def test_that_a_version_is_present_is_signed_for_one_request() -> None:
    told = ("lane", "roster", 7)
    given_ = currency(KEY, told, "nonce")
    public = KEY.public_key()
    assert is_current(public, told, "nonce", given_)
    assert not is_current(public, told, "later", given_)
    assert not is_current(public, ("lane", "roster", 8), "nonce", given_)
    assert not is_current(public, ("other", "roster", 7), "nonce", given_)
    assert not is_current(OTHER.public_key(), told, "nonce", given_)
    assert not is_current(public, told, "nonce", "")
    assert not is_current(public, told, "nonce", "no base64!")


@given(rosters)
def test_equal_rosters_have_equal_bytes(roster: dict[bytes, CardStanding]) -> None:
    again = dict(reversed(roster.items()))
    assert pack(roster) == pack(again)
    assert unpack(pack(roster)) == roster


@pytest.mark.parametrize(
    "data",
    [
        b"x",
        bytes(32) + b"\4",
        bytes(32) + b"\0",
        bytes(31) + b"\2\1" + bytes(31) + b"\1\1",
        (bytes(32) + b"\1") * 2,
    ],
)
def test_bytes_that_no_roster_has_are_refused(data: bytes) -> None:
    with pytest.raises(RosterError):
        unpack(data)


def test_rules_are_taken_as_a_whole() -> None:
    body = msgspec.json.encode({"version": 3})
    assert taken(Held(1, b"x"), published(body, kind="rules"), "lane", PublishedKind.RULES) == Held(2, body)
