"""The fleet's benchmark: its wire, its stations, and a small run of all of it."""

from __future__ import annotations

import json
import resource
import shutil
import subprocess

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.errors import InputError
from scripts.bench.fleet import wire
from scripts.bench.fleet.run import _allow_descriptors
from scripts.bench.fleet.stations import card, station_key, station_name
from scripts.bench.result import Result
from scripts.testbed.engines import Tier
from tests.programs import TONGZHAN

FLEET = [*TONGZHAN, "bench", "fleet"]
TOPICS = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=60)


@given(topic=TOPICS, number=st.integers(1, 65_535), payload=st.binary(max_size=2000))
def test_a_publish_reads_back_as_it_was_written(topic: str, number: int, payload: bytes) -> None:
    packets = wire.Packets().feed(wire.publish(number, topic, payload))
    assert [kind for kind, _, _ in packets] == [wire.PUBLISH]
    _, flags, body = packets[0]
    assert wire.published(flags, body) == (topic, number, payload)


@given(payloads=st.lists(st.binary(max_size=300), max_size=8), step=st.integers(1, 50))
def test_packets_are_cut_out_of_a_stream_however_it_is_chopped(payloads: list[bytes], step: int) -> None:
    stream = b"".join(wire.publish(1, "a/b", payload) for payload in payloads)
    packets = wire.Packets()
    found = [packet for at in range(0, len(stream), step) for packet in packets.feed(stream[at : at + step])]
    assert [wire.published(flags, body)[2] for _, flags, body in found] == payloads


def test_a_publish_at_qos_0_has_no_number() -> None:
    body = b"\x00\x03a/bhello"
    assert wire.published(0, body) == ("a/b", None, b"hello")


def test_packets_are_laid_out_as_the_standard_says() -> None:
    assert wire.puback(258) == bytes([0x40, 2, 1, 2])
    assert wire.subscribe(1, "a/b") == b"\x82\x08\x00\x01\x00\x03a/b\x01"
    assert wire.connect("s1") == b"\x10\x0e\x00\x04MQTT\x04\x02\x02\x58\x00\x02s1"
    assert wire.publish(1, "t", b"x" * 200, retain=True)[:3] == bytes([0x33, 0xCD, 0x01])


def test_stations_are_the_same_in_every_process_and_unlike_each_other() -> None:
    keys = {station_key(number).private_bytes_raw() for number in range(50)}
    assert len(keys) == len({station_name(number) for number in range(50)}) == 50
    assert station_key(3).private_bytes_raw() == station_key(3).private_bytes_raw()
    assert card(1) != card(2)


def test_more_stations_than_the_system_allows_open_files_for_are_refused_with_the_mend() -> None:
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard == resource.RLIM_INFINITY:
        pytest.skip("this system allows any number of open files")
    with pytest.raises(InputError, match=f"this system allows {hard}; raise it"):
        _allow_descriptors(hard)


@pytest.mark.parametrize("tier", [Tier.LAPTOP, pytest.param(Tier.TOWN, marks=pytest.mark.full)])
def test_a_small_fleet_gets_a_receipt_for_every_record(tier: Tier) -> None:
    if tier is Tier.TOWN and shutil.which("mosquitto") is None:
        pytest.skip("no mosquitto; install it: sudo apt-get install mosquitto")
    options = ["--stations", "12", "--seconds", "1", "--rate", "20", "--engine", tier, "--json"]
    done = subprocess.run([*FLEET, *options], capture_output=True, text=True, timeout=240, check=False)
    assert done.returncode == 0, done.stderr
    result = Result(**json.loads(done.stdout))
    assert (result.name, result.unit, result.details["engine"]) == ("fleet", "ms", tier)
    assert result.details["broker_sends_at_once"] is (tier is Tier.TOWN)
    assert result.ours > 0
    assert result.limit > 0
    assert result.ratio == pytest.approx(result.limit / result.ours)
    assert result.details["without_receipt_at_20"] == result.details["lost_connections_at_20"] == 0
    assert 0 < float(result.details["p50_ms_at_20"]) <= float(result.details["p99_ms_at_20"])
    assert float(result.details["worker_cpu_ms_a_receipted_event_at_20"]) > 0
    for process in ("broker", "worker", "echo", "fleet"):
        assert float(result.details[f"{process}_peak_mb"]) > 1
