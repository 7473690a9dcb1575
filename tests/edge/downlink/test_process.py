"""A station's downlink against a ledger that can be told to lie, to be away, and to be restored."""

from __future__ import annotations

import random
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from cloud_sync.transport.mailbox import Message
from cloud_sync.wire.facts import Role
from cloud_sync.wire.publication import PublishedKind, VersionStatement, currency, seal
from cloud_sync.wire.roster import CardStanding, digest, pack
from config.station import StationCloudSection
from edge.downlink.age import OLD_S
from edge.downlink.applying import Held
from edge.downlink.cards import LedgerCards
from edge.downlink.folder import DownFolder
from edge.downlink.process import POLL_S, Downlink
from edge.faults import FaultCode
from edge.ledger_api.client import Answer, LedgerAwayError, LedgerClient, LedgerRefusesError
from edge.ports import WallTime
from edge.roster import CardState, RosterEntry
from edge.sync.keys import StationIdentity, StationKeys

LEDGER = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
THIEF = Ed25519PrivateKey.from_private_bytes(bytes(32))
ONE, TWO = bytes(31) + b"\1", bytes(31) + b"\2"
BLOCKED = RosterEntry(CardState.BLOCKED, Role.UNKNOWN)


@dataclass
class FakeClock:
    """A clock that only the test moves."""

    at: float = 1000.0
    is_trusted: bool = True

    def now(self) -> float:
        return self.at

    def wall(self) -> WallTime:
        return WallTime(1_800_000_000.0 + self.at, self.is_trusted)


@dataclass
class FakeLedger:
    """Answers as a ledger does; `spoil` changes an answer on its way, `error` comes in its place."""

    roster: dict[bytes, CardStanding] = field(default_factory=dict)
    version: int = 5
    key: Ed25519PrivateKey = LEDGER
    community: str = "lane"
    spoil: Callable[[Answer], Answer] = lambda answer: answer
    error: Exception | None = None
    asked: list[tuple[str, int]] = field(default_factory=list)
    delta: tuple[int, bytes] | None = None

    def ask(self, method: str, path: str, *, most_bytes: int) -> Answer:
        assert method == "GET"
        assert most_bytes
        kind = urlsplit(path).path.rpartition("/")[2]
        have = int(parse_qs(urlsplit(path).query)["have"][0])
        self.asked.append((kind, have))
        if self.error is not None:
            raise self.error
        return self.spoil(self._answer(kind, have))

    def _answer(self, kind: str, have: int) -> Answer:
        nonce = f"nonce-{len(self.asked)}"
        current = currency(self.key, (self.community, kind, self.version), nonce)
        if have == self.version:
            return Answer(304, b"", nonce, current)
        whole = pack(self.roster) if kind == "roster" else b'{"version":1}'
        base, content = 0, whole
        if kind == "roster" and self.delta is not None and self.delta[0] == have:
            base, content = self.delta
        told = VersionStatement(self.community, kind, self.version, base, digest(whole))
        return Answer(200, seal(self.key, told, content), nonce, current)

    def change(self, card: bytes, standing: CardStanding) -> None:
        base, self.version = self.version, self.version + 1
        self.roster[card] = standing
        self.delta = (base, pack({card: standing}))


class Rig:
    """One station's downlink, its folder and its clock."""

    def __init__(self, folder: Path) -> None:
        self.clock, self.ledger, self.folder = FakeClock(), FakeLedger(), DownFolder(folder, "lane")
        self.state_dir = folder
        self.start()

    def start(self, boot: str = "boot-1") -> None:
        own = Ed25519PrivateKey.generate()
        sender = StationIdentity("lane", "gate", StationKeys(own, bytes(32), LEDGER.public_key()))
        client = LedgerClient(StationCloudSection(ledger_url="http://127.0.0.1:1"), sender, self.clock.now)
        client.ask = self.ledger.ask  # type: ignore[assignment, method-assign]
        self.downlink = Downlink(client, self.folder, sender, self.clock, boot, jitter=random.Random(1))

    def turn(self, after_s: float = 0.0) -> None:
        self.clock.at += after_s
        self.downlink.turn(0.0)

    def hear(self, **versions: int) -> None:
        payload = msgspec.json.encode({"versions": versions})
        self.downlink.notices.put(Message("tz/1/lane/notice", payload, True, lambda: None))  # noqa: FBT003

    @property
    def cards(self) -> dict[str, RosterEntry]:
        return dict(LedgerCards(self.folder).entries())


@pytest.fixture
def rig(tmp_path: Path) -> Rig:
    return Rig(tmp_path)


def test_what_is_published_is_fetched_at_the_start_and_kept(rig: Rig) -> None:
    rig.ledger.roster[ONE] = CardStanding.BLOCKED
    rig.turn()
    assert rig.ledger.asked == [("roster", 0), ("rules", 0)]
    assert rig.cards == {ONE.hex(): BLOCKED}
    assert rig.downlink.roster().version == 5
    assert rig.folder.file(PublishedKind.ROSTER).stat().st_mode & 0o777 == 0o600
    rig.start()
    rig.turn()
    assert rig.ledger.asked[2:] == [("roster", 5), ("rules", 5)]
    assert rig.cards == {ONE.hex(): BLOCKED}


def test_a_notice_brings_the_change_at_once_and_one_of_the_held_version_brings_nothing(rig: Rig) -> None:
    rig.turn()
    rig.ledger.change(ONE, CardStanding.BLOCKED)
    rig.hear(roster=5, rules=5)
    rig.turn(1.0)
    assert len(rig.ledger.asked) == 2
    rig.hear(roster=6)
    rig.turn()
    rig.turn(1.0)
    assert rig.ledger.asked[2:] == [("roster", 5)]
    assert rig.cards == {ONE.hex(): BLOCKED}


def test_without_any_notice_the_station_asks_every_ten_minutes_or_so(rig: Rig) -> None:
    rig.turn()
    rig.turn(0.7 * POLL_S)
    assert len(rig.ledger.asked) == 2
    rig.turn(0.6 * POLL_S)
    assert len(rig.ledger.asked) == 4


@pytest.mark.parametrize("payload", [b"", b"{", b"\xff", b'{"versions":{"roster":-1}}', b"[1]"])
def test_a_notice_of_nonsense_is_no_notice(rig: Rig, payload: bytes) -> None:
    rig.turn()
    rig.downlink.notices.put(Message("tz/1/lane/notice", payload, True, lambda: None))  # noqa: FBT003
    rig.turn(1.0)
    assert len(rig.ledger.asked) == 2


def test_changes_that_do_not_lead_there_are_replaced_by_the_whole(rig: Rig) -> None:
    rig.turn()
    rig.ledger.change(ONE, CardStanding.BLOCKED)
    rig.ledger.delta = (5, pack({TWO: CardStanding.STAFF}))
    rig.hear(roster=6)
    rig.turn()
    rig.turn(1.0)
    assert rig.ledger.asked[2:] == [("roster", 5), ("roster", 0)]
    assert rig.cards == {ONE.hex(): BLOCKED}
    assert rig.downlink.faults == frozenset()


def _without_proof(answer: Answer) -> Answer:
    return Answer(answer.status, answer.body, answer.nonce, "")


def _for_another_request(answer: Answer) -> Answer:
    return Answer(answer.status, answer.body, "other", answer.current)


def _cut(answer: Answer) -> Answer:
    return Answer(answer.status, answer.body[:-1], answer.nonce, answer.current)


@pytest.mark.parametrize("spoil", [_without_proof, _for_another_request, _cut])
def test_what_is_not_proved_to_be_the_present_one_is_refused_and_the_old_one_stays(
    rig: Rig, spoil: Callable[[Answer], Answer], caplog: pytest.LogCaptureFixture
) -> None:
    rig.ledger.roster[ONE] = CardStanding.BLOCKED
    rig.turn()
    rig.ledger.change(ONE, CardStanding.RESIDENT)
    rig.ledger.spoil = spoil
    rig.hear(roster=6)
    rig.turn()
    rig.turn(1.0)
    assert rig.cards == {ONE.hex(): BLOCKED}
    assert rig.downlink.faults == {FaultCode.PUBLICATION_REFUSED}
    assert re.search("the roster is refused: .*tongzhan station init", caplog.text)
    rig.ledger.spoil = lambda answer: answer
    rig.turn(POLL_S)
    rig.turn(POLL_S)
    assert rig.cards[ONE.hex()].state is CardState.ACTIVE
    assert rig.downlink.faults == frozenset()


def test_a_thief_of_the_line_or_the_broker_can_forge_nothing(rig: Rig) -> None:
    rig.ledger.roster[ONE] = CardStanding.BLOCKED
    rig.turn()
    rig.ledger.key = THIEF
    rig.ledger.change(ONE, CardStanding.RESIDENT)
    rig.hear(roster=6)
    rig.turn()
    rig.turn(1.0)
    assert rig.cards == {ONE.hex(): BLOCKED}
    assert rig.downlink.faults == {FaultCode.PUBLICATION_REFUSED}


def test_a_thief_who_shows_an_old_roster_again_is_refused(rig: Rig) -> None:
    rig.turn()
    old: list[Answer] = []

    def keep(answer: Answer) -> Answer:
        old.append(answer)
        return answer

    rig.ledger.spoil = keep
    rig.ledger.change(ONE, CardStanding.RESIDENT)
    rig.turn(2 * POLL_S)
    rig.ledger.spoil = lambda _: old[0]
    rig.ledger.change(ONE, CardStanding.BLOCKED)
    rig.turn(2 * POLL_S)
    assert rig.downlink.faults == {FaultCode.PUBLICATION_REFUSED}
    rig.ledger.spoil = lambda answer: answer
    rig.turn(2 * POLL_S)
    assert rig.cards == {ONE.hex(): BLOCKED}


def test_another_communitys_roster_is_refused(rig: Rig) -> None:
    rig.ledger.community = "other"
    rig.turn()
    assert rig.cards == {}
    assert rig.downlink.faults == {FaultCode.PUBLICATION_REFUSED}


def test_a_ledger_that_was_restored_says_how_to_mend_it(rig: Rig, caplog: pytest.LogCaptureFixture) -> None:
    rig.turn()
    rig.ledger.error = LedgerRefusesError(409, "this ledger's roster is older", "tongzhan …")
    rig.turn(2 * POLL_S)
    assert "the ledger does not give the roster: this ledger's roster is older; tongzhan" in caplog.text


def test_a_ledger_that_is_away_is_asked_again_at_growing_pauses_and_told_of_once(
    rig: Rig, caplog: pytest.LogCaptureFixture
) -> None:
    rig.ledger.error = LedgerAwayError("refused")
    for _ in range(3600):
        rig.turn(1.0)
    assert 10 < len(rig.ledger.asked) < 40
    assert caplog.text.count("cannot be fetched") <= 2


def test_a_roster_is_old_after_a_day_without_proof_and_a_week_later_still_in_use(rig: Rig) -> None:
    rig.ledger.roster[ONE] = CardStanding.BLOCKED
    rig.turn()
    rig.ledger.error = LedgerAwayError("no network")
    rig.turn(OLD_S - 10)
    assert rig.downlink.faults == frozenset()
    rig.turn(20)
    assert rig.downlink.faults == {FaultCode.ROSTER_OLD}
    rig.turn(6 * OLD_S)
    assert rig.cards == {ONE.hex(): BLOCKED}
    assert rig.downlink.roster().age_s > 6 * OLD_S
    rig.ledger.error = None
    rig.turn(POLL_S)
    assert rig.downlink.faults == frozenset()
    assert rig.downlink.roster().age_s < 1.0


def test_the_age_goes_on_over_a_restart_by_the_calendar_if_it_can_be_trusted(rig: Rig) -> None:
    rig.turn()
    rig.ledger.error = LedgerAwayError("no network")
    rig.clock.at += 2 * OLD_S
    rig.start("boot-2")
    rig.turn()
    assert rig.downlink.faults == {FaultCode.ROSTER_OLD}
    rig.clock.is_trusted = False
    rig.clock.at = 50.0
    rig.turn()
    assert rig.downlink.roster().age_s == 50.0


def test_a_file_that_was_damaged_is_as_if_nothing_was_held(rig: Rig) -> None:
    rig.ledger.roster[ONE] = CardStanding.BLOCKED
    rig.turn()
    file = rig.folder.file(PublishedKind.ROSTER)
    file.write_bytes(file.read_bytes()[:-1] + b"\1")
    assert rig.folder.read(PublishedKind.ROSTER) == Held()
    rig.start()
    rig.turn()
    assert rig.ledger.asked[-2] == ("roster", 0)
    assert rig.cards == {ONE.hex(): BLOCKED}


def test_a_disk_that_refuses_costs_only_time(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("edge.downlink.folder.write_atomic", full)
        rig.turn()
        assert rig.folder.read(PublishedKind.ROSTER) == Held()
    rig.turn(2.0)
    rig.turn(2.0)
    assert rig.folder.read(PublishedKind.ROSTER).version == 5
