"""`tongzhan ledger …` as an operator types it."""

from __future__ import annotations

import getpass
import json
import socket
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from django.db import connection

from cloud_sync.ledger.db import triggers
from cloud_sync.ledger.households.register import add_household
from cloud_sync.ledger.intake.apply import apply_batch
from cloud_sync.ledger.intake.parse import Reason
from cloud_sync.ledger.office.pending import STRAY
from cloud_sync.ledger.points.models import Account, Card, Decision, Household, VisitSettlement
from cloud_sync.ledger.stations.models import Station
from cloud_sync.wire.envelope import key_id
from config.ledger import load_ledger
from scripts.commands.ledger.review import SET_ASIDE
from tests.ledger.calling import HERE, call_process
from tests.ledger.conftest import LEDGER_TOML, PREPARED
from tests.ledger.town import NOW, RIGHT, Town, card, event, visit_facts

Run = Callable[..., subprocess.CompletedProcess[str]]


def refused(done: subprocess.CompletedProcess[str]) -> str:
    """The one line of a command that refused its input."""
    assert done.returncode == 2, done
    assert done.stdout == ""
    (line,) = done.stderr.splitlines()
    return line


def done(result: subprocess.CompletedProcess[str]) -> str:
    assert result.returncode == 0, result.stderr
    return result.stdout


def test_init_makes_a_ledger_with_secrets_that_nobody_else_reads(tongzhan: Run, tmp_path: Path) -> None:
    config = tmp_path / "ledger.toml"
    config.write_text(LEDGER_TOML)
    first = done(tongzhan("ledger", "init", "--config", config))
    files = sorted(file for file in (tmp_path / "state").rglob("*") if file.is_file())
    assert [file.name for file in files] == ["card.key", "secret_key", "signing_key"]
    assert {file.stat().st_mode & 0o777 for file in files} == {0o600}
    keys = [file.read_text() for file in files]
    assert done(tongzhan("ledger", "init", "--config", config)) == first
    assert [file.read_text() for file in files] == keys
    audit = json.loads(done(tongzhan("ledger", "verify", "--config", config, "--json")))
    assert audit["ok"] is True
    assert (tmp_path / "ledger.sqlite3").stat().st_mode & 0o777 == 0o600


def test_a_ledger_that_was_not_made_says_how_to_make_it(tongzhan: Run, tmp_path: Path) -> None:
    config = tmp_path / "ledger.toml"
    config.write_text(LEDGER_TOML.replace('"state"', f'"{PREPARED}/state"'))
    for command in ("serve", "ingest", "verify"):
        assert "run: tongzhan ledger init" in refused(tongzhan("ledger", command, "--config", config))


def test_stations_and_households_are_added_once_however_often(
    tongzhan: Run, config: Path, town: Town
) -> None:
    town.deliver(event(1, visit_facts(7, RIGHT, provisional=2)))
    connection.close()
    key = Ed25519PrivateKey.generate().public_key().public_bytes_raw().hex()
    for _ in range(2):
        done(tongzhan("ledger", "station", "add", "north-gate", "--public-key", key, "--config", config))
    out = done(
        tongzhan(
            *("ledger", "household", "add", "3-2-501", "--config", config),
            *("--card", card(7), "--card", card(8), "--name", "王家"),
        )
    )
    assert "2 points that waited for it are released" in out
    done(tongzhan("ledger", "staff", card(9), "--config", config))
    link = done(tongzhan("ledger", "household", "link", "3-2-501", "--config", config)).strip()
    assert "/statement/" in link
    assert Station.objects.filter(slug="north-gate").count() == 1
    household = Household.objects.get()
    assert (household.name, Account.objects.get(household=household).balance) == ("王家", 2)
    assert Card.objects.get(hash=card(9)).role == "staff"


COMMANDS_OF_GROUPS = {
    "aside": ["aside", "list"],
    "alarm": ["alarm", "list"],
    "card": ["card", "list"],
    "community": ["community", "list"],
    "correct": ["correct", "1", "--by", "L", "--reason", "w"],
    "debt": ["debt", "list"],
    "held": ["held", "list"],
    "household": ["household", "list"],
    "officer": ["officer", "list"],
    "preview": ["preview", "--rules", "award_rules.v1.toml"],
    "staff": ["staff", "0" * 32],
    "station": ["station", "list"],
    "verify": ["verify"],
}


def test_each_kind_of_command_that_other_tests_run_here_is_listed() -> None:
    assert set(COMMANDS_OF_GROUPS) == HERE


@pytest.mark.usefixtures("town")
@pytest.mark.parametrize("arguments", COMMANDS_OF_GROUPS.values(), ids=COMMANDS_OF_GROUPS)
def test_a_command_says_the_same_in_a_process_of_its_own(
    tongzhan: Run, config: Path, arguments: list[str]
) -> None:
    """A process has imported nothing when its command begins, and sets Django up by itself."""
    connection.close()
    line = ["ledger", *arguments, "--config", str(config)]
    alone, here = call_process(line), tongzhan(*line)
    assert (alone.returncode, alone.stdout, alone.stderr) == (here.returncode, here.stdout, here.stderr)
    assert "Traceback" not in alone.stderr


def test_a_households_links_are_taken_back_by_name_and_reason(
    tongzhan: Run, config: Path, town: Town
) -> None:
    add_household(town.community, "3-2-501")
    connection.close()
    link = done(tongzhan("ledger", "household", "link", "3-2-501", "--config", config))
    why = ("--by", "wang", "--reason", "sent to the wrong number", "--config", config)
    assert "3-2-501" in done(tongzhan("ledger", "household", "unlink", "3-2-501", *why))
    assert done(tongzhan("ledger", "household", "link", "3-2-501", "--config", config)) != link
    assert Decision.objects.get().by == "wang"
    assert "no household 9-9" in refused(tongzhan("ledger", "household", "unlink", "9-9", *why))


def test_a_guarded_broker_is_written_for_the_stations_that_are_admitted(
    tongzhan: Run, config: Path, town: Town, tmp_path: Path
) -> None:
    town.station("east-gate")
    connection.close()
    out = tmp_path / "broker"
    broker = ("ledger", "broker", "--out", out, "--config", config, "--user", getpass.getuser())
    told = done(tongzhan(*broker, "--host", "broker.example.org"))
    assert (
        'station east-gate of sunny-garden, station.toml: [cloud] host = "broker.example.org", port = 8883'
        in told
    )
    assert f"{out}/credentials/sunny-garden.east-gate.password" in told
    assert json.loads(done(tongzhan(*broker, "--json"))) == {"folder": str(out), "credentials": {}}
    renewed = json.loads(done(tongzhan(*broker, "--renew", "east-gate", "--json")))["credentials"]
    assert list(renewed) == ["sunny-garden.east-gate"]
    assert "no active station moon" in refused(tongzhan(*broker, "--renew", "moon"))
    port = str(load_ledger(config).broker.port)
    assert "is the ledger's own" in refused(tongzhan(*broker, "--station-port", port))


def test_verify_exits_1_and_names_what_was_tampered_with(tongzhan: Run, config: Path, town: Town) -> None:
    town.deliver(event(1, visit_facts(7, RIGHT, provisional=2)))
    with connection.cursor() as cursor:
        cursor.execute("UPDATE points_account SET balance = 1 WHERE kind = 'suspense'")
    connection.close()
    result = tongzhan("ledger", "verify", "--config", config, "--json")
    assert result.returncode == 1
    audit = json.loads(result.stdout)
    assert list(audit)[:7] == ["ok", "transfers", "sum", "duplicates", "settled", "held", "lowered"]
    assert (audit["ok"], audit["transfers"], audit["sum"], audit["held"]) == (False, 1, -1, 2)
    assert "(suspense sunny-garden) holds 1, its transfers come to 2" in result.stderr


def test_verify_goes_on_past_rows_that_hold_what_they_cannot(tongzhan: Run, config: Path, town: Town) -> None:
    town.deliver(*(event(number, visit_facts(7, RIGHT, provisional=2)) for number in (1, 2, 3)))
    triggers.release()
    with connection.cursor() as cursor:
        cursor.execute("UPDATE points_transfer SET chain = 'abc' WHERE position = 1")
        cursor.execute("UPDATE points_transfer SET points = 200 WHERE position = 3")
    connection.close()
    result = tongzhan("ledger", "verify", "--config", config, "--json")
    assert result.returncode == 1
    assert "Traceback" not in result.stderr
    assert "breaks at transfer 1: its row cannot be read (str where bytes belong)" in result.stderr
    assert "breaks at transfer 3: its row or its link was changed" in result.stderr
    assert "points_transfer 1: its column chain holds a value of the wrong type (text)" in result.stderr
    assert (json.loads(result.stdout)["broken_at"], "transfer 2" in result.stderr) == (1, False)


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (("household", "add", "1-1-101", "--name", "x" * 65), "the household's name: 'xxx"),
        (
            ("household", "rename", "9-9-999", "--name", "x", "--by", "L", "--reason", "w"),
            "no household 9-9-999",
        ),
        (("household", "rename", "9-9-999", "--by", "L", "--reason", "w"), "Give --name, --code, or both."),
        (("household", "export", "9-9-999"), "no household 9-9-999"),
        (("household", "erase", "9-9-999", "--yes", "--by", "L", "--reason", "w"), "no household 9-9-999"),
        (("card", "show", "0123456789ab"), "no card 0123456789ab; see: tongzhan ledger card list"),
        (("card", "bind", "1234", "1-1-101", "--by", "L", "--reason", "w"), "no household 1-1-101"),
        (("card", "staff", "0123456789ab", "on", "--by", " ", "--reason", "w"), "no card 0123456789ab"),
        (("station", "add", "North Gate", "--public-key", "00" * 32), "station 'North Gate' is no name"),
        (("station", "add", "north-gate", "--public-key", "00"), "'00' is no Ed25519 public key"),
        (("household", "add", "1-1-101", "--card", "1234"), "'1234' is not a card hash"),
        (("household", "link", "9-9-999"), "no household 9-9-999"),
        (("station", "rotate-key", "moon", "--public-key", "00" * 32), "no station moon in sunny-garden"),
        (("station", "limit", "moon", "5", "--by", "Li", "--reason", "few homes"), "no station moon"),
        (("station", "limit", "moon", "--by", "Li", "--reason", "few homes"), "Give POINTS, or"),
        (("preview", "--rules", "gone.toml"), "no file gone.toml; create it, or name another with --rules"),
        (("worker", "forget", "Worker 2"), "'Worker 2' is no worker's name"),
    ],
)
def test_bad_input_is_one_line_and_exit_2(
    tongzhan: Run, config: Path, arguments: tuple[str, ...], line: str
) -> None:
    assert line in refused(tongzhan("ledger", *arguments, "--config", config))


def test_a_port_in_use_is_named_with_the_way_to_another(tongzhan: Run, config: Path) -> None:
    port = load_ledger(config).pages.port
    with socket.create_server(("127.0.0.1", port)):
        line = refused(tongzhan("ledger", "serve", "--config", config))
    assert f"port {port} on 127.0.0.1 is in use; set another port under [pages]" in line


def test_secrets_that_others_may_read_are_refused(tongzhan: Run, tmp_path: Path) -> None:
    config = tmp_path / "ledger.toml"
    config.write_text(LEDGER_TOML)
    done(tongzhan("ledger", "init", "--config", config))
    (tmp_path / "state" / "signing_key").chmod(0o644)
    assert "chmod 600" in refused(tongzhan("ledger", "ingest", "--config", config))


def test_a_station_is_admitted_with_its_names_and_renamed(tongzhan: Run, config: Path) -> None:
    key = Ed25519PrivateKey.generate().public_key().public_bytes_raw().hex()
    names = ("--name-zh", "东门桶站", "--name-en", "East Gate")
    done(tongzhan("ledger", "station", "add", "east-gate", *names, "--public-key", key, "--config", config))
    rename = ("ledger", "station", "rename", "east-gate", "--by", "Li", "--reason", "its sign")
    said = done(tongzhan(*rename, "--name-en", "East Side", "--config", config))
    assert said == "station east-gate is 东门桶站 · East Side\n"
    assert "as before" in done(tongzhan(*rename, "--name-en", "East Side", "--config", config))
    assert "east-gate (东门桶站 · East Side): " in done(
        tongzhan("ledger", "station", "list", "--config", config)
    )
    assert "Give --name-zh, --name-en, or both." in tongzhan(*rename, "--config", config).stderr


def test_what_was_set_aside_is_dismissed_by_command(tongzhan: Run, config: Path, town: Town) -> None:
    town.deliver(event(1, visit_facts(7, RIGHT, provisional=2)))
    town.deliver(event(1, visit_facts(7, RIGHT, provisional=1)))
    connection.close()
    (row,) = json.loads(done(tongzhan("ledger", "aside", "list", "--json", "--config", config)))
    why = ("--by", "Li", "--reason", "looked into", "--config", config)
    shown = ("ledger", "aside", "show", row["number"], "--config", config)
    assert '"provisional":1' in done(tongzhan(*shown))
    assert '"provisional":2' in done(tongzhan(*shown, "--first"))
    assert "is off the list" in done(tongzhan("ledger", "aside", "dismiss", row["number"], *why))
    assert "nothing is set aside" in done(tongzhan("ledger", "aside", "list", "--config", config))
    assert "was dismissed by Li (looked into)" in refused(
        tongzhan("ledger", "aside", "dismiss", row["number"], *why)
    )
    reopen = ("ledger", "aside", "reopen", row["number"], "--by", "Li", "--config", config)
    assert "is on the list again" in done(tongzhan(*reopen))
    all_of = ("--station", "east-gate", "--because")
    nothing = refused(tongzhan("ledger", "aside", "dismiss", *all_of, "stray", *why))
    assert "nothing of east-gate is set aside as stray" in nothing
    both = tongzhan("ledger", "aside", "dismiss", row["number"], *all_of, "conflict", *why)
    assert "Name what to dismiss by its NUMBER" in both.stderr
    assert done(tongzhan("ledger", "aside", "dismiss", *all_of, "conflict", *why)) == (
        f"{row['number']} is off the list\n"
    )


def test_the_reasons_of_the_command_are_those_of_the_ledger() -> None:
    assert sorted(SET_ASIDE) == sorted([*Reason, STRAY])


def test_a_station_gets_a_limit_of_its_own_and_loses_it_again(
    tongzhan: Run, config: Path, town: Town
) -> None:
    town.station("east-gate")
    connection.close()
    limit = ("ledger", "station", "limit", "east-gate", "--by", "Li", "--config", config)
    for _ in range(2):
        assert "may bring 3 points a day" in done(tongzhan(*limit, "3", "--reason", "few homes"))
    (listed,) = json.loads(done(tongzhan("ledger", "station", "list", "--json", "--config", config)))
    assert listed["daily_mint_limit"] == 3
    assert ", 3 points a day, keys" in done(tongzhan("ledger", "station", "list", "--config", config))
    town.deliver(*(event(number, visit_facts(7, RIGHT, provisional=2)) for number in (1, 2)))
    assert VisitSettlement.objects.get(held_by="mint_limit").held == 2
    connection.close()
    told = done(tongzhan(*limit, "--as-community", "--reason", "the school has opened"))
    assert "may bring 20000 points a day, as every station" in told
    town.deliver(event(3, visit_facts(7, RIGHT, provisional=2)))
    assert VisitSettlement.objects.filter(held_by="mint_limit").count() == 1
    assert [str(row) for row in Decision.objects.order_by("pk")] == [
        "Li: station east-gate, 3 points a day: few homes",
        "Li: station east-gate, the community's limit: the school has opened",
    ]
    assert "the reason: '' cannot be used" in refused(tongzhan(*limit, "4", "--reason", " "))


def test_a_key_is_rotated_in_two_steps_that_may_be_repeated(tongzhan: Run, config: Path, town: Town) -> None:
    old = town.station("east-gate")
    new = Ed25519PrivateKey.generate()
    names = [key_id(key.public_key()) for key in (old, new)]
    connection.close()
    public = new.public_key().public_bytes_raw().hex()
    rotate = ("ledger", "station", "rotate-key", "east-gate", "--public-key", public, "--config", config)
    for _ in range(2):
        assert done(tongzhan(*rotate)).splitlines() == [
            f"east-gate: key {names[1]} is in use",
            f"east-gate: key {names[0]} is still in use; retire it with --retire-old",
        ]
    town.deliver(event(1, visit_facts(7, RIGHT, provisional=2)))
    connection.close()
    told = done(tongzhan(*rotate, "--retire-old"))
    assert f"east-gate: key {names[0]} is retired since " in told
    assert done(tongzhan(*rotate, "--retire-old")) == told
    late = town.seal(event(2, visit_facts(7, RIGHT, provisional=2)))
    assert apply_batch(late, "sunny-garden", "east-gate", NOW) is None
    town.stations["east-gate"] = new
    assert town.deliver(event(2, visit_facts(7, RIGHT, provisional=2))).receipt.retired == (names[0],)
    connection.close()
    back = ("--public-key", old.public_key().public_bytes_raw().hex(), "--config", config)
    assert "was retired" in refused(tongzhan("ledger", "station", "rotate-key", "east-gate", *back))
    done(tongzhan("ledger", "station", "retire", "east-gate", "--config", config))
    assert "station east-gate is retired" in refused(tongzhan(*rotate))


@pytest.mark.usefixtures("town")
def test_what_the_database_refuses_is_one_line(tongzhan: Run, config: Path) -> None:
    with connection.cursor() as cursor:
        cursor.execute("DROP TABLE points_debtpart")
        cursor.execute("DROP TABLE points_debt")
    connection.close()
    line = refused(tongzhan("ledger", "debt", "list", "--config", config))
    assert "error: the database refused: no such table: points_debt; nothing was changed" in line


def test_a_worker_cannot_be_forgotten_by_a_broker_that_is_away(tongzhan: Run, config: Path) -> None:
    port = load_ledger(config).broker.port
    line = refused(tongzhan("ledger", "worker", "forget", "b", "--config", config))
    assert f"no broker answers at 127.0.0.1:{port}; start it" in line


def test_all_of_a_station_that_wait_for_one_reason_are_decided_in_one_go(
    town: Town, config: Path, tongzhan: Run
) -> None:
    for station in ("east-gate", "west-gate"):
        town.deliver(*(event(n, visit_facts(1, RIGHT, provisional=2)) for n in (1, 2, 3)), station=station)
    connection.close()
    chosen = ("--station", "west-gate", "--because", "cloned_journal")
    why = ("--by", "Wang", "--reason", "a copied card", "--config", config)
    assert done(tongzhan("ledger", "held", "refuse", *chosen, *why)).count("2 points withheld") == 3
    again = refused(tongzhan("ledger", "held", "refuse", *chosen, *why))
    assert "no visit of west-gate waits for cloned_journal" in again
    assert town.suspense == 6


def test_waits_do_not_end_by_a_clock_that_is_far_from_the_stations(
    town: Town, config: Path, tongzhan: Run
) -> None:
    town.deliver(event(1, visit_facts(1, RIGHT, provisional=2)))  # weeks before any machine's clock
    connection.close()
    told = refused(tongzhan("ledger", "held", "expire", "--config", config))
    assert "ahead of the newest event (2026-11-20 04:00)" in told
    assert town.suspense == 2


def test_a_key_in_wrong_hands_is_retired_by_its_id(tongzhan: Run, config: Path, town: Town) -> None:
    key = key_id(town.station("east-gate").public_key())
    connection.close()
    retire = ("ledger", "station", "retire-key", "east-gate")
    assert "admit the new key first" in refused(tongzhan(*retire, key, "--config", config))
    public = Ed25519PrivateKey.generate().public_key().public_bytes_raw().hex()
    new = ("ledger", "station", "rotate-key", "east-gate", "--public-key", public)
    done(tongzhan(*new, "--config", config))
    for _ in range(2):
        assert "of east-gate is retired" in done(tongzhan(*retire, key, "--config", config))
    assert "east-gate has no key 00" in refused(tongzhan(*retire, "00", "--config", config))


def test_cards_without_a_household_are_listed_alone(tongzhan: Run, config: Path, town: Town) -> None:
    town.deliver(event(1, visit_facts(7, RIGHT, provisional=2)))
    connection.close()
    home = ("ledger", "household", "add", "3-2-501", "--card", card(8))
    done(tongzhan(*home, "--config", config))
    unbound = ("ledger", "card", "list", "--unbound", "--json", "--config", config)
    assert [row["hash"][:12] for row in json.loads(done(tongzhan(*unbound)))] == [card(7)[:12]]


NAMES = ("slug", "name_zh", "name_en", "timezone")


@pytest.mark.parametrize("column", NAMES)
def test_verify_names_a_community_whose_text_is_not_utf8_and_goes_on(
    tongzhan: Run, config: Path, town: Town, column: str
) -> None:
    town.deliver(event(1, visit_facts(7, RIGHT, provisional=2)))
    with connection.cursor() as cursor:
        cursor.execute(f"UPDATE stations_community SET {column} = CAST(%s AS TEXT)", [b"\xff"])  # noqa: S608
        cursor.execute("UPDATE points_account SET balance = balance + 1 WHERE kind = 'suspense'")
    connection.close()
    result = tongzhan("ledger", "verify", "--config", config)
    assert result.returncode == 1
    assert f"stations_community 1: its column {column} holds a value of the wrong type" in result.stderr
    assert "its transfers come to 2" in result.stderr  # a check that comes after it
    other = tongzhan("ledger", "household", "list", "--config", config)
    assert other.returncode == 2
    assert len(other.stderr.splitlines()) == 1


@pytest.mark.usefixtures("town")
def test_djangos_own_commands_run_on_the_ledger_but_for_those_that_would_go_round_it(
    tongzhan: Run, config: Path
) -> None:
    connection.close()
    listed = done(tongzhan("ledger", "manage", "--config", config)).splitlines()
    assert {"showmigrations", "dbshell", "check"} <= set(listed)
    assert not {"flush", "migrate", "runserver"} & set(listed)
    shown = done(tongzhan("ledger", "manage", "--config", config, "showmigrations", "points", "--plan"))
    assert "[X]  points.0001_initial" in shown
    line = refused(tongzhan("ledger", "manage", "--config", config, "flush", "--no-input"))
    assert line.endswith("make a new one: tongzhan ledger init --config F")
    assert "'nonsense'" in refused(tongzhan("ledger", "manage", "--config", config, "nonsense"))


DAMAGED = {
    "a name": ("name", "CAST(x'ff' AS TEXT)", "text that is not UTF-8"),
    "bytes as a name": ("name", "x'ff'", "blob"),
    "an app": ("app", "CAST(x'ff' AS TEXT)", "text that is not UTF-8"),
    "a moment": ("applied", "'soon'", "text"),
}


@pytest.mark.parametrize("what", DAMAGED)
def test_verify_names_what_is_damaged_in_the_table_that_it_reads_first_and_goes_on(
    tongzhan: Run, config: Path, what: str
) -> None:
    column, value, found = DAMAGED[what]
    with connection.cursor() as cursor:
        cursor.execute("SELECT MAX(id) FROM django_migrations")
        ((key,),) = cursor.fetchall()
        cursor.execute(f"UPDATE django_migrations SET {column} = {value} WHERE id = {key}")  # noqa: S608
        cursor.execute("UPDATE points_account SET balance = 5 WHERE kind = 'suspense'")
    connection.close()
    audit = tongzhan("ledger", "verify", "--config", config)
    assert audit.returncode == 1
    named = f"django_migrations {key}: its column {column} holds a value of the wrong type ({found})"
    lines = audit.stderr.splitlines()
    assert named in lines
    assert any("holds 5, its transfers come to 0" in line for line in lines)
    for command in (("ingest",), ("init",), ("aside", "list")):
        assert "rows of django_migrations cannot be read" in refused(
            tongzhan("ledger", *command, "--config", config)
        )


@pytest.mark.parametrize("table", ["stations_community", "points_account", "points_chainhead"])
def test_verify_names_a_table_that_is_gone_and_goes_on(tongzhan: Run, config: Path, table: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA foreign_keys = OFF")
        cursor.execute(f"DROP TABLE {table}")
    connection.close()
    audit = tongzhan("ledger", "verify", "--config", config)
    assert audit.returncode == 1
    assert f"no such table: {table}" in audit.stderr
    assert "Traceback" not in audit.stderr
    assert "transfers 0, sum 0" in audit.stdout


def test_a_ledger_whose_version_is_noted_nowhere_is_not_prepared(tongzhan: Run, config: Path) -> None:
    with connection.cursor() as cursor:
        cursor.execute("DROP TABLE django_migrations")
    connection.close()
    assert "is not prepared for this version" in refused(tongzhan("ledger", "verify", "--config", config))
