"""PostgreSQL's address: heeded whole, or refused, and no part of a password is ever shown."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess

import pytest

from cloud_sync.ledger.db.address import for_django, shown, without_password
from config.errors import InputError
from tests.ledger.conftest import ledger_toml
from tests.postgres import Postgres

SECRET = "s3cret"  # noqa: S105 (of nothing)
USUAL = f"postgresql://points:{SECRET}@db.example.org:5433/ledger"


def test_every_part_is_heeded() -> None:
    told = for_django(f"{USUAL}?sslmode=verify-full&sslrootcert=/etc/ca.pem&connect_timeout=3")
    assert (told["USER"], told["PASSWORD"], told["NAME"]) == ("points", SECRET, "ledger")
    assert (told["HOST"], told["PORT"]) == ("db.example.org", 5433)
    assert told["OPTIONS"] == {
        "sslmode": "verify-full",
        "sslrootcert": "/etc/ca.pem",
        "connect_timeout": "3",
    }


@pytest.mark.parametrize(
    ("address", "host", "port"),
    [
        ("postgresql:///ledger?host=/run/postgresql", "/run/postgresql", ""),
        ("postgresql://[::1]:5433/ledger", "::1", 5433),
        ("postgres://one,two:5432/ledger?target_session_attrs=read-write", "one,two", ",5432"),
        ("postgresql://db/ledger?port=5444", "db", 5444),
    ],
)
def test_hosts_are_taken_wherever_they_stand(address: str, host: str, port: object) -> None:
    told = for_django(address)
    assert (told["HOST"], told["PORT"], told["NAME"]) == (host, port, "ledger")


@pytest.mark.parametrize(
    "address",
    [
        f"postgresql://points:{SECRET}@host:five/ledger",
        f"postgresql://points:{SECRET}@host:70000/ledger",
        f"postgresql://points:{SECRET}@[::1/ledger",
        f"postgresql://points:{SECRET[:3]}@{SECRET[3:]}@host/ledger",
        f"postgresql://points:{SECRET[:3]}/{SECRET[3:]}@host/ledger",
        f"postgresql://points:{SECRET}%zz@host/ledger",
        f"postgresql://points:{SECRET}@host/ledger?sslmode=required",
        f"postgresql://points:{SECRET}@host/ledger?tls=true",
        f"postgresql://points:{SECRET}@host",
        f"postgresql://points:{SECRET}@a..b/ledger",
    ],
)
def test_what_is_not_understood_is_refused_without_a_letter_of_the_password(address: str) -> None:
    with pytest.raises(InputError) as caught:
        for_django(address)
    told = str(caught.value)
    assert told.startswith("ledger.database: ")
    assert SECRET[:3] not in told
    assert SECRET[3:] not in told


def test_an_unknown_part_and_a_wrong_mode_are_named() -> None:
    with pytest.raises(InputError, match="PostgreSQL has no parameter tls;"):
        for_django(f"{USUAL}?tls=true")
    with pytest.raises(InputError, match=r"there is no sslmode required; use one of disable, .*verify-full"):
        for_django(f"{USUAL}?sslmode=required")


def test_what_is_shown_and_what_other_programs_are_given_holds_no_password() -> None:
    assert shown(USUAL) == "db.example.org:5433/ledger"
    address, password = without_password(f"{USUAL}?sslmode=require")
    assert (password, SECRET in address) == (SECRET, False)
    assert "sslmode=require" in address


def test_a_server_without_tls_is_not_spoken_to_where_tls_is_asked_for(
    postgres: Postgres, tmp_path: Path, tongzhan: Callable[..., CompletedProcess[str]]
) -> None:
    config = tmp_path / "ledger.toml"
    config.write_text(ledger_toml(postgres.url("prepared") + "?sslmode=require"), encoding="utf-8")
    config.chmod(0o600)
    done = tongzhan("ledger", "station", "list", "--config", config)
    assert done.returncode == 2
    assert "does not support SSL" in done.stderr
    assert "let the server speak TLS (ssl = on), or mend sslmode in ledger.database" in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


@pytest.mark.parametrize("address", [USUAL.replace("5433", "five"), f"{USUAL}?ssl=nonsense&x=1"])
def test_a_command_tells_a_mistake_in_the_address_in_one_line_with_status_2(
    address: str, tmp_path: Path, tongzhan: Callable[..., CompletedProcess[str]]
) -> None:
    config = tmp_path / "ledger.toml"
    config.write_text(ledger_toml(address), encoding="utf-8")
    config.chmod(0o600)
    done = tongzhan("ledger", "station", "list", "--config", config)
    assert (done.returncode, len(done.stderr.strip().splitlines())) == (2, 1), done.stderr
    assert "ledger.database: " in done.stderr
    assert SECRET not in done.stderr
