"""What the check says of the ledger's pages: no address, nobody there, a refusal, another station's key."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import msgspec
import pytest

from config.station import Language, StationSettings
from edge.check.finding import Level, line, load_texts
from edge.check.ledger import check_ledger
from edge.ledger_api.client import Answer, LedgerAwayError, LedgerRefusesError
from edge.loop.clocks import RealClock
from edge.station_file import load_station
from tests.station.test_composition import BIN, STATION
from tests.station.test_station_command import init

ADDRESS = "https://ledger.example"


@dataclass
class FakeLedger:
    """Gives the client's answers in its place."""

    answer: bytes | Exception = b""
    asked: list[str] = field(default_factory=list)

    def __call__(self, *_: object, **__: object) -> FakeLedger:
        return self

    def ask(self, method: str, path: str, *, most_bytes: int) -> Answer:
        assert method == "GET"
        assert most_bytes
        self.asked.append(path)
        if isinstance(self.answer, Exception):
            raise self.answer
        return Answer(200, self.answer)

    def close(self) -> None:
        """Nothing is open."""


@pytest.fixture
def ledger(monkeypatch: pytest.MonkeyPatch) -> FakeLedger:
    made = FakeLedger()
    monkeypatch.setattr("edge.check.ledger.LedgerClient", made)
    return made


@pytest.fixture
def settings(tmp_path: Path) -> StationSettings:
    path = tmp_path / "station.toml"
    path.write_text(STATION.format(model="") + BIN.format("kitchen"), encoding="utf-8")
    init(path)
    made = load_station(path)
    cloud = msgspec.structs.replace(made.cloud, ledger_url=ADDRESS)
    return msgspec.structs.replace(made, cloud=cloud)


def told(settings: StationSettings) -> tuple[Level, str, str]:
    finding = check_ledger(settings, RealClock())
    said = line(finding, load_texts(), Language.ENGLISH)
    assert line(finding, load_texts(), Language.CHINESE).part == "账本"
    return finding.level, said.seen, said.mend


def asker(settings: StationSettings, station: str = "") -> bytes:
    place = settings.station
    return msgspec.json.encode({"community": place.community, "station": station or place.name, "key": "k"})


def test_without_an_address_nothing_is_asked(settings: StationSettings, ledger: FakeLedger) -> None:
    cloud = msgspec.structs.replace(settings.cloud, ledger_url=None)
    level, seen, mend = told(msgspec.structs.replace(settings, cloud=cloud))
    assert (level, mend, ledger.asked) == (Level.OK, "", [])
    assert seen.startswith("No address is set (cloud.ledger_url)")


def test_a_ledger_that_knows_the_station_is_well(settings: StationSettings, ledger: FakeLedger) -> None:
    ledger.answer = asker(settings)
    assert told(settings) == (Level.OK, f"{ADDRESS} knows this station.", "")
    assert ledger.asked == ["/station/whoami"]


def test_a_key_that_is_another_stations_is_told_with_both_names(
    settings: StationSettings, ledger: FakeLedger
) -> None:
    ledger.answer = asker(settings, "other")
    level, seen, mend = told(settings)
    assert level is Level.DOUBTFUL
    assert f"as {settings.station.community}/other, but this station is" in seen
    assert "Correct station.community and station.name" in mend


@pytest.mark.parametrize("answer", [LedgerAwayError("refused"), b"<html>"])
def test_a_ledger_that_is_away_or_talks_nonsense_is_named(
    settings: StationSettings, ledger: FakeLedger, answer: bytes | Exception
) -> None:
    ledger.answer = answer
    level, seen, mend = told(settings)
    assert level is Level.DOUBTFUL
    assert seen.startswith(f"{ADDRESS} cannot be reached (")
    assert mend.startswith("Check the network")


def test_a_refusal_is_told_in_the_ledgers_own_words(settings: StationSettings, ledger: FakeLedger) -> None:
    ledger.answer = LedgerRefusesError(401, "the key 12 is not known here", "admit it")
    level, seen, mend = told(settings)
    assert level is Level.DOUBTFUL
    assert "the key 12 is not known here" in seen
    assert mend == "admit it"
