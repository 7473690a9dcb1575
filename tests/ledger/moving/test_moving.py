"""A community moves to another ledger whole: chain heads are equal, and no event counts twice."""

from __future__ import annotations

import random
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from django.apps import apps
from django.db import connection, connections, models, transaction

from cloud_sync.ledger.chain import records, seals
from cloud_sync.ledger.chain.audit import verify
from cloud_sync.ledger.communities.register import change_community, served_communities
from cloud_sync.ledger.db import triggers
from cloud_sync.ledger.enrolment.models import Succession
from cloud_sync.ledger.households.cards import bind_card
from cloud_sync.ledger.households.erasure import erase_household
from cloud_sync.ledger.households.export import export_household
from cloud_sync.ledger.households.register import add_household, find_household
from cloud_sync.ledger.intake.apply import apply_batch, reapply
from cloud_sync.ledger.keys import public_key_hex
from cloud_sync.ledger.moving import arrival, departure
from cloud_sync.ledger.moving.export import export
from cloud_sync.ledger.moving.models import Arrival
from cloud_sync.ledger.moving.proofs import card_key_of, confirm
from cloud_sync.ledger.moving.tables import BY_NAME, MOVING, STAYING, fields_of, is_key, model_of, rows_of
from cloud_sync.ledger.points.clock import count_running
from cloud_sync.ledger.points.held import refuse
from cloud_sync.ledger.points.models import Account, ChainHead, VisitSettlement
from cloud_sync.ledger.settling.mint_limit import set_mint_limit
from cloud_sync.ledger.statement.links import end_links
from cloud_sync.ledger.stations.alarms import Cause
from cloud_sync.ledger.stations.models import Alarm, Community, Event, StationKey
from cloud_sync.ledger.stations.registry import add_station
from config.errors import InputError
from tests.conftest import CHECKOUT
from tests.engines import Tier, postgres_copies, sqlite_copies
from tests.ledger.conftest import PREPARED
from tests.ledger.dying import MOVE
from tests.ledger.rich import enrich
from tests.ledger.switching import use_database
from tests.ledger.town import NOW, RIGHT, Town, card, event, visit_facts

OLD, NEW, THIRD = (Ed25519PrivateKey.from_private_bytes(bytes([number]) * 32) for number in (1, 2, 3))
CARD_KEY = bytes(range(32))
SLUG = "sunny-garden"
MOST_STATEMENTS = 1000
Fresh = Callable[[Tier], str]


@pytest.fixture
def fresh(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Fresh]:
    """Give a function that makes a prepared database of a kind and works on it from then on."""
    with ExitStack() as stack:
        made: dict[Tier, Callable[[], str]] = {}
        stack.callback(connections.close_all)

        def use(tier: Tier) -> str:
            if tier not in made:
                if tier is Tier.LAPTOP:
                    made[tier] = sqlite_copies(PREPARED / "ledger.sqlite3", tmp_path)
                else:
                    server = request.getfixturevalue("postgres")
                    made[tier] = stack.enter_context(postgres_copies(server, "prepared"))
            connections.close_all()
            name = made[tier]()
            use_database(name)
            return name

        yield use


def others(fresh: Fresh, tier: Tier) -> Town:
    """Another ledger, whose one community has households, cards and stations of the same names."""
    fresh(tier)
    Community.objects.update(slug="lotus-lane")
    town = Town(Community.objects.get())
    with transaction.atomic():
        records.register(town.community.pk, "community", town.community)
    bind_card(add_household(town.community, "3-2-501", "李家"), card(1), NOW)
    town.deliver(
        event(1, visit_facts(1, RIGHT, provisional=2)), event(2, visit_facts(9, RIGHT, provisional=2))
    )
    return town


def leave(key: Ed25519PrivateKey = NEW) -> Community:
    """Move the community out to the ledger with this key."""
    community = Community.objects.get(slug=SLUG)
    departure.move_out(
        community, to="ledger.example", to_key=public_key_hex(key), by="Li", reason="growing", now=NOW
    )
    return community


def written(path: Path, key: Ed25519PrivateKey = OLD) -> Path:
    """Export the community, by the ledger with this key."""
    export(Community.objects.get(slug=SLUG), path, key, CARD_KEY, NOW, lambda _: None)
    return path


def arrive(path: Path, key: Ed25519PrivateKey = NEW, from_key: Ed25519PrivateKey = OLD) -> Town:
    """Import the file at the ledger with this key."""
    found = arrival.look_at(path, public_key_hex(key), public_key_hex(from_key))
    came = arrival.take_in(path, found, "Wang", "a district of its own", NOW, lambda _: None)
    return Town(Community.objects.get(pk=came.community_id))


def counts() -> dict[str, int]:
    """How many rows of each table the community has."""
    community = Community.objects.get(slug=SLUG)
    return {label: rows_of(label, community).count() for label in MOVING}


def heads() -> tuple[object, ...]:
    head = ChainHead.objects.get(community__slug=SLUG)
    return head.position, bytes(head.chain), head.records, bytes(head.records_chain)


def balances() -> dict[str, int]:
    """Each account's balance, by what it is for."""
    return {str(row): row.balance for row in Account.objects.filter(community__slug=SLUG)}


def edit(statement: str) -> None:
    """Edit rows past every check."""
    triggers.release()
    with connection.cursor() as cursor:
        cursor.execute(statement)


def meta(model: Any) -> Any:  # noqa: ANN401 (a model)
    return model._meta  # noqa: SLF001 (Django's documented name)


@pytest.mark.parametrize("there", list(Tier), ids=str)
@pytest.mark.parametrize("here", list(Tier), ids=str)
def test_a_community_arrives_whole_and_no_event_counts_twice(
    fresh: Fresh, tmp_path: Path, here: Tier, there: Tier
) -> None:
    fresh(here)
    town = Town(Community.objects.get())
    enrich(town)
    before = heads(), counts(), balances(), export_household(find_household(town.community, "3-2-501"))
    leave()
    file = written(tmp_path / "sunny.move")
    assert file.stat().st_mode & 0o777 == 0o600
    audit = verify()
    assert audit.problems == ()
    assert (heads(), counts()) == before[:2]
    signed = audit.signed

    lotus = others(fresh, there)
    moved = arrive(file)
    assert (heads(), counts(), balances()) == before[:3]
    audit = verify()
    assert audit.problems == ()
    assert audit.heads[SLUG] == bytes(ChainHead.objects.get(community=moved.community).chain).hex()
    assert audit.signed == signed + 1
    moved.stations = town.stations
    known = Event.objects.count()
    again = moved.deliver(
        event(1, visit_facts(1, RIGHT, provisional=2)), event(4, visit_facts(3, provisional=0))
    )
    assert again.new == 0
    moved.deliver(
        event(10, visit_facts(1, RIGHT, provisional=2)), event(11, visit_facts(1, RIGHT, provisional=2))
    )
    lotus.deliver(event(3, visit_facts(1, RIGHT, provisional=2)))
    assert Event.objects.count() == known + 2
    home = find_household(moved.community, "3-2-501")
    assert balances()[f"household {home}"] == before[2][f"household {home}"] + 2
    waits = VisitSettlement.objects.filter(community=moved.community, held__gt=0).order_by("pk")[0]
    refuse(waits, "Li", "the same bag", NOW)
    moved.station("north-gate")
    told = export_household(find_household(moved.community, "3-2-501"))
    assert told["history"][: len(before[3]["history"])] == renumbered(before[3]["history"])  # type: ignore[arg-type, index]
    erase_household(find_household(moved.community, "3-2-502"), "Li", "moved away", NOW)
    assert verify().problems == ()


def renumbered(history: list[dict[str, object]]) -> list[dict[str, object]]:
    """What a household's export says once its cards have this ledger's numbers."""
    shift = ChainHead.objects.get(community__slug=SLUG).key_shift
    return [{**row, "card": row["card"] + shift} if "card" in row else row for row in history]  # type: ignore[operator]


@pytest.fixture
def town(fresh: Fresh) -> Town:
    """A community with rows of every kind."""
    fresh(Tier.LAPTOP)
    town = Town(Community.objects.get())
    enrich(town)
    return town


def test_nothing_is_applied_or_changed_once_it_has_left_and_an_alarm_says_so(town: Town) -> None:
    message = town.seal(event(20, visit_facts(1, RIGHT, provisional=2)))
    leave()
    at = heads()
    assert apply_batch(message, SLUG, "east-gate", NOW) is None
    alarm = Alarm.objects.get(reason=Cause.MOVED)
    assert (alarm.community, alarm.station) == (SLUG, "east-gate")
    waits = VisitSettlement.objects.filter(held__gt=0).order_by("pk")[0]
    home = find_household(town.community, "3-2-501")
    for change in (
        lambda: refuse(waits, "Li", "the same bag", NOW),
        lambda: add_household(town.community, "9", ""),
        lambda: bind_card(home, card(77), NOW),
        lambda: end_links(home, "Li", "lost", NOW),
        lambda: add_station(town.community, "new", public_key_hex(THIRD)),
        lambda: change_community(town.community, {"name_en": "X"}, [], "Li", "why", NOW),
        lambda: set_mint_limit(town.community, "east-gate", 1, "Li", "few", NOW),
        lambda: reapply(Event.objects.filter(state="refused").order_by("pk")[0], NOW),
        lambda: count_running(town.community, 10, NOW),
    ):
        with pytest.raises(InputError, match="has moved to another ledger"):
            change()
    assert heads() == at
    assert verify().problems == ()
    assert town.community not in served_communities()


def test_a_move_may_be_undone_until_it_is_confirmed(town: Town, tmp_path: Path) -> None:
    message = town.seal(event(20, visit_facts(1, RIGHT, provisional=2)))
    community = leave()
    first = arrival.look_at(written(tmp_path / "first"), public_key_hex(NEW), public_key_hex(OLD))[0]
    departure.take_back(community, "Li", "the other machine broke", NOW)
    applied = apply_batch(message, SLUG, "east-gate", NOW)
    assert applied is not None
    assert applied.new == 1
    with pytest.raises(InputError, match="is still served here"):
        written(tmp_path / "between")
    gone = departure.move_out(
        community, to="there", to_key=public_key_hex(NEW), by="Li", reason="again", now=NOW
    )
    with pytest.raises(InputError, match="was moved out already"):
        leave()
    code = confirm(NEW, gone.number, SLUG, gone.shown)
    for wrong in (
        confirm(THIRD, gone.number, SLUG, gone.shown),
        confirm(NEW, first.number, SLUG, gone.shown),
        "no",
    ):
        with pytest.raises(InputError, match="does not say that"):
            departure.note_arrival(community, wrong, NOW)
    for _ in range(2):
        departure.note_arrival(community, code, NOW)
    with pytest.raises(InputError, match="which confirmed it"):
        departure.take_back(community, "Li", "homesick", NOW)
    assert verify().problems == ()


def test_a_ledger_that_does_not_verify_lets_nobody_go(town: Town) -> None:
    edit("UPDATE points_transfer SET points = 99 WHERE position = 3")
    with pytest.raises(InputError, match=r"cannot move: the chain of sunny-garden breaks at transfer 3"):
        leave()
    assert not ChainHead.objects.get(community=town.community).moved_out


def test_a_community_whose_station_is_changing_its_key_waits_for_that(town: Town) -> None:
    key = StationKey.objects.filter(retired_at=None).order_by("pk")[0]
    changing = Succession.objects.create(key=key, since=NOW, after_batch=0)
    with pytest.raises(InputError, match=f"station {key.station} is changing its key"):
        leave()
    assert not ChainHead.objects.get(community=town.community).moved_out
    Succession.objects.filter(pk=changing.pk).update(over_at=NOW)
    leave()


@pytest.mark.usefixtures("town")
def test_it_moves_on_to_a_third_ledger_with_the_same_chains(fresh: Fresh, tmp_path: Path) -> None:
    before = heads(), counts(), balances()
    leave()
    first = written(tmp_path / "first")
    others(fresh, Tier.LAPTOP)
    arrive(first)
    leave(THIRD)
    second = written(tmp_path / "second", NEW)
    others(fresh, Tier.LAPTOP)
    arrive(second, THIRD, NEW)
    assert (heads(), counts(), balances()) == before
    assert verify().problems == ()
    lines = [file.read_bytes().splitlines()[1:-1] for file in (first, second)]
    assert lines[0] == lines[1]


@pytest.fixture
def file(town: Town, tmp_path: Path) -> Path:
    """The file of a community that left."""
    assert leave() == town.community
    return written(tmp_path / "sunny.move")


def test_a_file_with_any_bit_flipped_or_any_end_cut_off_is_refused(
    file: Path, fresh: Fresh, tmp_path: Path
) -> None:
    fresh(Tier.LAPTOP)
    whole, bad, chance = file.read_bytes(), tmp_path / "bad.move", random.Random(7)
    for at in [0, len(whole) - 2, *(chance.randrange(len(whole)) for _ in range(60))]:
        flipped = bytes([whole[at] ^ (1 << chance.randrange(8))])
        for content in (whole[:at] + flipped + whole[at + 1 :], whole[:at]):
            bad.write_bytes(content)
            with pytest.raises(InputError):
                arrival.look_at(bad, public_key_hex(NEW), public_key_hex(OLD))


def test_only_the_ledger_it_is_for_takes_it_and_only_from_the_ledger_that_it_trusts(file: Path) -> None:
    with pytest.raises(InputError, match="is for the ledger with the key"):
        arrival.look_at(file, public_key_hex(THIRD), public_key_hex(OLD))
    with pytest.raises(InputError, match="is from the ledger with the key"):
        arrival.look_at(file, public_key_hex(NEW), public_key_hex(THIRD))


def test_the_ledger_that_it_left_and_one_that_has_it_take_it_no_second_time(file: Path, fresh: Fresh) -> None:
    with pytest.raises(InputError, match=r"left this ledger for ledger\.example"):
        arrive(file)
    others(fresh, Tier.LAPTOP)
    arrive(file)
    with pytest.raises(InputError, match="it came by this file"):
        arrive(file)
    fresh(Tier.LAPTOP)
    with pytest.raises(InputError, match="this ledger has a community sunny-garden"):
        arrive(file)


@pytest.mark.usefixtures("town")
def test_a_signed_file_whose_rows_do_not_fit_together_leaves_nothing(fresh: Fresh, tmp_path: Path) -> None:
    """Somebody who owns the old ledger may sign anything: the new one checks what it holds."""
    leave()
    edit("UPDATE points_transfer SET points = 99 WHERE position = 3")
    bad = written(tmp_path / "bad")
    lotus = others(fresh, Tier.LAPTOP)
    at = Event.objects.count()
    with pytest.raises(InputError, match="is not whole: the chain of sunny-garden breaks at transfer 3"):
        arrive(bad)
    assert list(Community.objects.all()) == [lotus.community]
    assert Event.objects.count() == at
    assert verify().problems == ()


def test_a_station_key_that_the_ledger_knows_is_refused(town: Town, file: Path, fresh: Fresh) -> None:
    lotus = others(fresh, Tier.LAPTOP)
    key = town.stations["east-gate"].public_key().public_bytes_raw().hex()
    add_station(lotus.community, "side-gate", key)
    with pytest.raises(InputError, match=r"knows a station's key .* already, as lotus-lane/side-gate's"):
        arrive(file)
    assert Community.objects.count() == 1


def test_only_the_communitys_card_key_is_taken(file: Path, tmp_path: Path) -> None:
    header = arrival.look_at(file, public_key_hex(NEW), public_key_hex(OLD))[0]
    right, wrong = tmp_path / "right.key", tmp_path / "wrong.key"
    for path, key in ((right, CARD_KEY), (wrong, CARD_KEY[::-1])):
        path.write_text(key.hex())
        path.chmod(0o600)
    assert card_key_of(right, header) == CARD_KEY
    with pytest.raises(InputError, match="is not the card key of sunny-garden"):
        card_key_of(wrong, header)
    assert CARD_KEY.hex().encode() not in file.read_bytes()


def test_every_table_that_hangs_on_a_community_is_classified() -> None:
    """A new table either goes with a community or stays for a reason."""
    reached, before = set[type[models.Model]]([Community]), set[type[models.Model]]()
    while before != reached:
        before = set(reached)
        for model in apps.get_models():
            parents = {field.related_model for field in meta(model).concrete_fields if field.is_relation}
            if parents & reached:
                reached.add(model)
    labels = {meta(model).label for model in reached}
    by_name = {label for label, path in MOVING.items() if path == BY_NAME}
    assert labels == {*MOVING, *STAYING} - by_name
    assert not set(MOVING) & set(STAYING)


def test_a_table_that_names_a_community_by_its_slug_is_classified_too() -> None:
    named = {
        meta(model).label
        for model in apps.get_models()
        for field in meta(model).concrete_fields
        if field.name == "community" and not field.is_relation
    }
    assert named <= {*MOVING, *STAYING}


def test_a_row_comes_after_all_that_it_refers_to() -> None:
    seen = set[str]()
    for label in MOVING:
        parents = {
            meta(field.related_model).label
            for field in meta(model_of(label)).concrete_fields
            if field.is_relation
        }
        assert parents <= {*seen, label}, label
        seen.add(label)


def test_the_seals_know_which_columns_hold_a_key() -> None:
    found = {
        field.attname
        for label in MOVING
        for field in fields_of(label)
        if field.attname in seals.SEALED.get(meta(model_of(label)).db_table, ()) and is_key(label, field)
    }
    assert found == seals.KEYS


@pytest.mark.usefixtures("town")
@pytest.mark.parametrize("step", [9, pytest.param(1, marks=pytest.mark.full)])
def test_an_import_that_is_killed_at_any_statement_leaves_all_of_it_or_nothing(
    fresh: Fresh, tmp_path: Path, step: int
) -> None:
    before = heads(), counts(), balances()
    leave()
    written(tmp_path / MOVE)
    others(fresh, Tier.LAPTOP)
    empty = shutil.copy(current(), tmp_path / "empty.sqlite3")
    with dying() as worker:
        for statements in range(0, MOST_STATEMENTS, step):
            database = Path(shutil.copy(empty, tmp_path / "killed.sqlite3"))
            is_killed = worker("import", statements, database)
            use_database(str(database))
            if Community.objects.filter(slug=SLUG).exists():
                assert (heads(), counts(), balances()) == before
                assert Arrival.objects.count() == 1
            else:
                assert Community.objects.count() == 1
                assert not Arrival.objects.exists()
            connections.close_all()
            for end in ("-wal", "-shm"):
                database.with_name(database.name + end).unlink(missing_ok=True)
            if not is_killed:
                return
    pytest.fail(f"an import has more than {MOST_STATEMENTS} statements")


def current() -> str:
    """The file of the database of the moment, with all that was written."""
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return str(connection.settings_dict["NAME"])


@contextmanager
def dying() -> Iterator[Callable[[str, int, Path], bool]]:
    """Give a function that has work on a database killed before a statement; whether it came so far."""
    command = [sys.executable, "-m", "tests.ledger.dying", str(PREPARED / "ledger.toml")]
    with subprocess.Popen(
        command, cwd=CHECKOUT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None

        def work(verb: str, statements: int, database: Path) -> bool:
            print(verb, statements, database, file=process.stdin, flush=True)
            answer = process.stdout.readline()  # type: ignore[union-attr]
            assert answer in {"killed\n", "done\n"}, "see the test's stderr"
            return answer == "killed\n"

        yield work
        process.stdin.close()
