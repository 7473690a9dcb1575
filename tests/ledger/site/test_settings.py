from __future__ import annotations

from pathlib import Path

import pytest

from cloud_sync import ledger
from cloud_sync.ledger.keys import (
    adopt_card_key,
    make_card_key,
    make_keys,
    public_key_hex,
    read_card_key,
    read_secret_key,
    read_signing_key,
)
from cloud_sync.ledger.site.settings import _database
from config.errors import InputError
from config.ledger import SHIPPED_RULES, load_ledger
from tests.ledger.conftest import LEDGER_TOML


@pytest.fixture
def file(tmp_path: Path) -> Path:
    config = tmp_path / "ledger.toml"
    config.write_text(LEDGER_TOML)
    return config


def test_paths_are_relative_to_the_file_and_rules_may_be_those_that_are_shipped(file: Path) -> None:
    settings = load_ledger(file)
    assert settings.ledger.database == str(file.parent / "ledger.sqlite3")
    assert settings.state_dir == file.parent / "state"
    file.write_text(LEDGER_TOML.replace("[pages]", 'rules = ["award_rules.v1.toml"]\n[pages]'))
    assert load_ledger(file).ledger.rules == SHIPPED_RULES
    (file.parent / "award_rules.v1.toml").write_text("")
    assert load_ledger(file).ledger.rules == (str(file.parent / "award_rules.v1.toml"),)


def test_links_begin_with_the_public_address_if_there_is_one(file: Path) -> None:
    assert load_ledger(file).url == "http://127.0.0.1:8000"
    file.write_text(LEDGER_TOML + 'public_url = "https://points.example.org/"\n')
    assert load_ledger(file).url == "https://points.example.org"


def test_this_machines_proxy_is_believed_only_where_there_is_one(file: Path) -> None:
    assert load_ledger(file).proxies == ()
    file.write_text(LEDGER_TOML + 'public_url = "https://points.example.org/"\n')
    assert load_ledger(file).proxies == ("127.0.0.1", "::1")
    file.write_text(LEDGER_TOML + 'public_url = "https://points.example.org/"\nproxies = []\n')
    assert load_ledger(file).proxies == ()


WRONG = {
    'timezone = "Mars/Olympus"': "ledger.timezone: no zone 'Mars/Olympus'",
    'timezone = "Asia"': "ledger.timezone: no zone 'Asia'",
    f'timezone = "{"a" * 300}"': "ledger.timezone: no zone 'aaa",
    "rules = []": "ledger.rules",
    'comunity = "x"': "unknown key ledger.comunity; did you mean community?",
}


@pytest.mark.parametrize("line", WRONG)
def test_a_wrong_key_is_named_with_its_whole_path(file: Path, line: str) -> None:
    file.write_text(LEDGER_TOML.replace("[ledger]", f"[ledger]\n{line}"))
    with pytest.raises(InputError, match=str(file)) as caught:
        load_ledger(file)
    assert WRONG[line] in str(caught.value)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('"ledger.sqlite3"', '"mysql://there/x"', "ledger.database"),
        ("[pages]", '[broker]\nhost = "broker.example.org"\n[pages]', "broker.tls_ca: missing"),
        ("[pages]", '[pages]\npublic_url = "points.example.org"', "pages.public_url"),
        ("[pages]", '[pages]\nproxies = ["proxy.lan"]', "pages.proxies: 'proxy.lan' is not an address"),
        ("[pages]", '[pages]\npublic_url = "https://a..b/"', "pages.public_url: 'a..b' is not a host"),
        (
            "[pages]",
            '[pages]\npublic_url = "http://[::1/"',
            "pages.public_url: 'http://[::1/' is not an address",
        ),
        ("[pages]", '[pages]\nhost = ""', "pages.host: no host; 127.0.0.1 for this machine only, 0.0.0.0"),
        ('"testserver"', '"https://a.b"', "pages.allowed_hosts[2]: 'https://a.b' begins"),
        (
            "[pages]",
            '[broker]\nhost = "[::1]"\n[pages]',
            "broker.host: '[::1]' is not an address; give",
        ),
    ],
)
def test_what_cannot_work_is_refused_before_it_starts(file: Path, old: str, new: str, said: str) -> None:
    file.write_text(LEDGER_TOML.replace(old, new))
    with pytest.raises(InputError) as caught:
        load_ledger(file)
    assert said in str(caught.value)


def test_the_names_of_pages_may_be_what_django_understands(file: Path) -> None:
    file.write_text(
        LEDGER_TOML.replace('"127.0.0.1", "localhost", "testserver"', '"*", ".example.org", "::1"')
    )
    assert load_ledger(file).pages.allowed_hosts == ("*", ".example.org", "::1")


def test_an_address_of_version_6_stands_in_brackets_in_links(file: Path) -> None:
    file.write_text(LEDGER_TOML + 'host = "::1"\n')
    assert load_ledger(file).url == "http://[::1]:8000"


def test_postgresql_is_told_by_its_address() -> None:
    described = _database("postgresql://led%40ger:s%2Fecret@db.example.org:5433/points")
    assert (described["USER"], described["PASSWORD"]) == ("led@ger", "s/ecret")
    assert (described["HOST"], described["PORT"], described["NAME"]) == ("db.example.org", 5433, "points")


def test_keys_are_made_once_and_read_only_while_they_are_secret(tmp_path: Path) -> None:
    def made() -> tuple[object, ...]:
        make_keys(tmp_path)
        files = [make_card_key(tmp_path, community) for community in ("lotus", "sunny-garden")]
        assert {file.stat().st_mode & 0o777 for file in files} == {0o600}
        own = read_secret_key(tmp_path), public_key_hex(read_signing_key(tmp_path))
        return (*own, read_card_key(tmp_path, "lotus"), read_card_key(tmp_path, "sunny-garden"))

    first = made()
    assert made() == first
    assert len(set(first)) == 4
    (tmp_path / "signing_key").chmod(0o640)
    with pytest.raises(InputError, match="chmod 600"):
        read_signing_key(tmp_path)


@pytest.mark.parametrize("damage", ["", "zz", "00" * 31])
def test_a_damaged_key_is_named(tmp_path: Path, damage: str) -> None:
    make_keys(tmp_path)
    make_card_key(tmp_path, "lotus").write_text(damage)
    (tmp_path / "signing_key").write_text(damage)
    with pytest.raises(InputError, match="signing_key"):
        read_signing_key(tmp_path)
    with pytest.raises(InputError, match=r"lotus/card\.key"):
        read_card_key(tmp_path, "lotus")


def test_the_one_card_key_of_an_older_ledger_becomes_its_communitys(tmp_path: Path) -> None:
    make_keys(tmp_path)
    (tmp_path / "card_key").write_text("ab" * 32)
    (tmp_path / "card_key").chmod(0o600)
    adopt_card_key(tmp_path, "lotus")
    assert read_card_key(tmp_path, "lotus") == bytes.fromhex("ab" * 32)
    assert not (tmp_path / "card_key").exists()
    (tmp_path / "card_key").write_text("cd" * 32)  # another's: who has a key keeps it
    adopt_card_key(tmp_path, "lotus")
    assert read_card_key(tmp_path, "lotus") == bytes.fromhex("ab" * 32)


def test_a_process_serves_one_ledger_only(file: Path) -> None:
    with pytest.raises(RuntimeError, match="cannot change"):
        ledger.setup(file)
