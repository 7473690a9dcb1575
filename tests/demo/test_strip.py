"""The demo's strip: what it counts, what it breaks, and in whose language it speaks."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.testclient import TestClient

from config.reading.load_sorting import load_sorting
from config.sorting import Category
from edge.sim.people.town import Neighbourhood
from scripts.demonstration.day import CategoryDay
from scripts.demonstration.folder import Ports
from scripts.demonstration.strip.app import PRESSED, create_app
from scripts.demonstration.strip.counts import Arrived, compare
from scripts.demonstration.strip.state import Strip
from scripts.demonstration.strip.switches import RESTART_S, WORKER, Switches
from scripts.testbed.processes import Crew
from tests.demo.conftest import Clock
from tests.waiting import until

PORTS = Ports(page=8765, ledger=8766, broker=8767, panel=8768, link=8769)


def test_an_event_without_a_receipt_waits_and_is_not_lost() -> None:
    counts = compare({1: True, 2: False}, Arrived({1: 1}, 0), 0.0)
    assert (counts.kept, counts.waiting, counts.arrived, counts.lost, counts.twice) == (2, 1, 1, 0, 0)


def test_an_event_with_a_receipt_that_the_ledger_lacks_is_lost() -> None:
    assert compare({1: True, 2: True}, Arrived({1: 1}, 0), 0.0).lost == 1


def test_a_number_that_the_journal_lacks_is_lost() -> None:
    assert compare({1: True, 3: True}, Arrived({1: 1, 3: 1}, 0), 0.0).lost == 1


def test_an_event_or_a_transfer_that_is_there_twice_is_counted() -> None:
    assert compare({1: True}, Arrived({1: 2}, 1), 0.0).twice == 2


@given(st.dictionaries(st.integers(1, 50), st.booleans()), st.sets(st.integers(1, 50)))
def test_nothing_is_lost_exactly_if_all_that_is_receipted_is_there(
    kept: dict[int, bool], ledger: set[int]
) -> None:
    counts = compare(kept, Arrived(dict.fromkeys(ledger, 1), 0), 0.0)
    receipted = {sequence for sequence, done in kept.items() if done}
    is_gapless = set(kept) == set(range(1, len(kept) + 1))
    assert (counts.lost == 0) == (is_gapless and receipted <= ledger)
    assert counts.waiting == len(kept) - len(receipted)


def test_a_killed_worker_starts_again_by_itself(switches: Switches, processes: Crew, clock: Clock) -> None:
    switches.flip_ledger()
    assert processes.pid(WORKER) is None
    assert switches.restarts_in_s == RESTART_S
    clock.at = RESTART_S - 1
    switches.tick()
    assert processes.pid(WORKER) is None
    clock.at = RESTART_S
    switches.tick()
    assert processes.pid(WORKER) is not None
    assert switches.restarts_in_s is None


def test_a_second_press_starts_the_worker_at_once(switches: Switches, processes: Crew) -> None:
    switches.flip_ledger()
    switches.flip_ledger()
    assert processes.pid(WORKER) is not None


def test_a_process_that_a_thread_started_outlives_the_thread(processes: Crew, tmp_path: Path) -> None:
    mark = tmp_path / "ready"
    command = ["sh", "-c", f"touch {mark}; exec sleep 600"]
    presser = threading.Thread(target=lambda: processes.launch("worker", command))
    presser.start()
    presser.join()
    until(mark.exists, "the process runs")
    assert processes.fallen() is None


def test_all_is_mended_before_the_demo_counts(switches: Switches, processes: Crew) -> None:
    switches.flip_network()
    switches.flip_ledger()
    switches.mend()
    assert not switches.is_cut
    assert processes.pid(WORKER) is not None


@pytest.fixture
def client(strip: Strip) -> TestClient:
    app = create_app(strip, PORTS, lambda: ("sessionid", "signed-in"))
    return TestClient(app, base_url="http://127.0.0.1:8765", follow_redirects=False)


def test_a_chinese_browser_reads_chinese_and_any_other_english(client: TestClient) -> None:
    assert "模拟演示" in client.get("/", headers={"Accept-Language": "zh-CN,zh;q=0.9,en;q=0.8"}).text
    english = client.get("/", headers={"Accept-Language": "de,en;q=0.5"}).text
    assert "Simulated" in english
    assert 'src="http://127.0.0.1:8768/?lang=en"' in english


def test_the_language_that_the_panel_remembers_is_the_strips_too(client: TestClient) -> None:
    client.cookies.set("lang", "zh")
    assert client.get("/strip.json").json()["who"] == "还没有人来"


def test_the_strip_says_who_taps_where_and_whose_statement_it_offers(
    client: TestClient, strip: Strip, people: Neighbourhood
) -> None:
    resident = people.residents[0]
    strip.visitors.tapped("reader-kitchen", resident.card)
    strip.visitors.recorded(resident.card)
    strip.visitors.balance = 7
    shown = client.get("/strip.json?lang=en").json()
    kitchen = load_sorting("beijing").category[Category.KITCHEN].en
    assert shown["who"] == f"{resident.name} taps at {kitchen}"
    assert shown["statement"] == f"{resident.name}'s statement"
    assert shown["balance"] == "balance 7"
    assert client.get("/statement?lang=zh").headers["location"] == "http://ledger/s/?lang=zh"


def test_the_strip_counts_the_day_by_category_once_there_is_something(
    client: TestClient, strip: Strip
) -> None:
    assert client.get("/strip.json?lang=en").json()["day"] == ""
    assert 'id="day" hidden' in client.get("/").text
    strip.visitors.day = {Category.KITCHEN: CategoryDay(5, 1), Category.OTHER: CategoryDay(2)}
    shown = client.get("/strip.json?lang=en").json()
    assert shown["day"] == "Things today: 7."
    assert shown["by_category"] == {"kitchen": "Food Waste 5 (1 wrong)", "other": "Residual Waste 2"}
    assert "厨余垃圾 5（投错 1）" in client.get("/?lang=zh").text


def test_a_card_that_nobody_registered_has_no_name_and_no_statement(
    client: TestClient, strip: Strip, people: Neighbourhood
) -> None:
    card = people.strangers[0].card
    strip.visitors.tapped("reader-kitchen", card)
    strip.visitors.recorded(card)
    shown = client.get("/strip.json?lang=en").json()
    assert shown["who"].startswith("An unregistered card taps")
    assert shown["statement"] == ""
    assert client.get("/statement").status_code == 404


def test_before_the_first_comparison_the_strip_claims_nothing(client: TestClient, strip: Strip) -> None:
    shown = client.get("/strip.json?lang=en").json()
    assert (shown["lost"], shown["is_whole"]) == ("", False)
    strip.comparison.refresh()
    shown = client.get("/strip.json?lang=en").json()
    assert (shown["lost"], shown["twice"], shown["is_whole"]) == ("0 lost", "0 twice", True)


def test_only_the_demos_own_script_may_break_something(client: TestClient, switches: Switches) -> None:
    assert client.post("/network").status_code == 403
    assert not switches.is_cut
    assert client.post("/network", headers={PRESSED: "1"}).json()["is_cut"] is True
    assert switches.is_cut


def test_the_office_opens_signed_in(client: TestClient) -> None:
    answer = client.get("/office?lang=en")
    assert answer.headers["location"] == "http://127.0.0.1:8766/office/?lang=en"
    assert "sessionid=signed-in" in answer.headers["set-cookie"]


def test_another_name_for_this_machine_is_refused(strip: Strip) -> None:
    app = create_app(strip, PORTS, lambda: ("sessionid", "signed-in"))
    assert TestClient(app, base_url="http://evil.example").get("/office").status_code == 421
