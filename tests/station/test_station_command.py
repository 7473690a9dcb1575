"""`tongzhan station`, as an installer types it."""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from scripts.testbed.ports import free_port
from tests.programs import TONGZHAN
from tests.station.test_composition import BIN, STATION
from tests.waiting import COMMAND_WITHIN_S, WITHIN_S, answers, until

KEY = "11" * 32


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "station.toml"
    cloud = f"\n[cloud]\nport = {free_port()}\n"  # the usual one may be some other broker's
    path.write_text(STATION.format(model="") + BIN.format("kitchen") + cloud, encoding="utf-8")
    return path


def tongzhan(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [*TONGZHAN, "station", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=COMMAND_WITHIN_S, check=False)


def init(config: Path) -> subprocess.CompletedProcess[str]:
    card_key = config.with_name("card_key")
    card_key.touch(0o600)
    card_key.write_text(KEY, encoding="ascii")
    return tongzhan("init", "--config", str(config), "--card-key", str(card_key), "--ledger-key", KEY)


def test_init_prints_the_public_key_and_keeps_it_through_a_second_init(config: Path) -> None:
    first, second = init(config), init(config)
    assert first.returncode == 0, first.stderr
    assert len(bytes.fromhex(first.stdout.strip())) == 32
    assert second.stdout == first.stdout
    keys = list((config.parent / "state").iterdir())
    assert sorted(key.name for key in keys) == ["card.key", "ledger.pub", "station.key"]
    assert all(key.stat().st_mode & 0o077 == 0 for key in keys)


def test_a_card_key_from_a_stick_that_knows_no_rights_is_taken_and_its_file_told_of(config: Path) -> None:
    card_key = config.with_name("stick")
    card_key.write_text(KEY, encoding="ascii")
    card_key.chmod(0o755)
    done = tongzhan("init", "--config", str(config), "--card-key", str(card_key), "--ledger-key", KEY)
    assert done.returncode == 0, done.stderr
    assert f"others can read {card_key}: remove it" in done.stderr
    assert len(bytes.fromhex(done.stdout.strip())) == 32


@pytest.mark.parametrize("command", ["run", "sync"])
def test_a_station_without_keys_says_how_to_make_them(config: Path, command: str) -> None:
    done = tongzhan(command, "--config", str(config))
    assert done.returncode == 2
    assert done.stderr.startswith("error: no key file ")
    assert "tongzhan station enrol" in done.stderr
    assert done.stderr.count("\n") == 1


def test_a_wrong_ledger_key_is_named(config: Path) -> None:
    done = tongzhan("init", "--config", str(config), "--card-key", str(config), "--ledger-key", "nonsense")
    assert done.returncode == 2
    assert "--ledger-key 'nonsense' is not a public key" in done.stderr


@pytest.mark.parametrize("command", ["run", "sync", "panel"])
def test_a_missing_configuration_is_one_line_with_its_mend(tmp_path: Path, command: str) -> None:
    missing = tmp_path / "nowhere.toml"
    done = tongzhan(command, "--config", str(missing))
    assert done.returncode == 2
    assert done.stderr == f"error: no file {missing}; create it, or name another with --config\n"


def test_an_unknown_key_is_named_with_its_whole_path_and_the_file(config: Path) -> None:
    config.write_text(config.read_text(encoding="utf-8") + "\n[visit]\nleese_s = 3\n", encoding="utf-8")
    done = tongzhan("run", "--config", str(config))
    assert done.returncode == 2
    assert done.stderr == f"error: {config}: unknown key visit.leese_s; did you mean lease_s?\n"


def test_sync_ends_when_asked(config: Path) -> None:
    init(config)
    with start("sync", "--config", str(config)) as running:
        assert running.stderr is not None
        running.stderr.readline()  # no broker here, it says: it is at work
        ends(running)


def test_a_panel_may_be_framed_by_a_page_that_it_is_told_of(config: Path) -> None:
    done = tongzhan("panel", "--config", str(config), "--framed-by", "somewhere")
    assert done.returncode == 2
    assert done.stderr.startswith("error: --framed-by 'somewhere' is not an origin; write it as http://")


def test_the_panel_ends_when_asked(config: Path) -> None:
    port = free_port()
    with start("panel", "--config", str(config), "--port", str(port)) as running:
        until(lambda: answers(f"http://127.0.0.1:{port}/"))
        ends(running)


@contextmanager
def start(*arguments: str) -> Iterator[subprocess.Popen[str]]:
    """Start a command that goes on; it is gone afterwards, whatever a test found."""
    command = [*TONGZHAN, "station", *arguments]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as running:
        try:
            yield running
        finally:
            running.kill()


def ends(running: subprocess.Popen[str]) -> None:
    running.send_signal(signal.SIGTERM)
    assert running.wait(WITHIN_S) == 0


def test_nobody_is_simulated_at_a_real_station_so_there_is_no_witness(config: Path) -> None:
    init(config)
    text = config.read_text(encoding="utf-8").replace('devices = "simulated"', 'devices = "real"')
    at_controller = 'controller = "mcu"\nnumber = 0\n'
    text = text.replace('id = "at-kitchen"\n', f'id = "at-kitchen"\n{at_controller}')
    lid = 'lid = { kind = "controller", controller = "mcu", number = 0 }\n'
    text = text.replace('category = "kitchen"\n', f'category = "kitchen"\n{lid}')
    config.write_text(f'{text}[[controller]]\nid = "mcu"\nport = "/dev/none"\n', encoding="utf-8")
    done = tongzhan("run", "--config", str(config), "--witness", str(config.with_name("lines")))
    assert done.returncode == 2
    assert done.stderr == "error: --witness: a real station has no simulated residents; leave it out\n"
