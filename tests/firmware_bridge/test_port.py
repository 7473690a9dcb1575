from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from serial import Serial

from firmware_bridge.line_errors import line_errors
from firmware_bridge.port import MOST_UNSENT, SerialPort
from tests.firmware_bridge.wire import Wire
from tests.waiting import until


class Log:
    """A port's callbacks, in order."""

    def __init__(self, path: str) -> None:
        self.told: list[str] = []
        self.data = b""
        self.port = SerialPort(path, 9600, self._bytes, self._lost, lambda: self.told.append("found"))

    def _bytes(self, data: bytes) -> None:
        assert data
        self.data += data

    def _lost(self, reason: str) -> None:
        self.told.append(f"lost: {reason}")


@pytest.fixture
def wire(tmp_path: Path) -> Iterator[Wire]:
    wire = Wire(tmp_path / "reader")
    wire.plug_in()
    yield wire
    wire.unplug()


@pytest.fixture
def port(wire: Wire) -> Iterator[Log]:
    log = Log(wire.path)
    log.port.start()
    yield log
    log.port.stop()


def test_bytes_arrive_as_they_were_sent(wire: Wire, port: Log) -> None:
    everything = bytes(range(256))
    until(lambda: port.told == ["found"])
    for byte in everything[:16]:
        wire.send(bytes([byte]))
    wire.send(everything[16:])
    until(lambda: len(port.data) >= 256)
    assert port.data == everything


def test_a_port_that_was_unplugged_is_found_again(wire: Wire, port: Log) -> None:
    until(lambda: port.told == ["found"])
    wire.unplug()
    until(lambda: len(port.told) == 2)
    assert port.told[1].startswith("lost: ")
    wire.plug_in()
    until(lambda: len(port.told) == 3)
    assert port.told[2] == "found"
    wire.send(b"back")
    until(lambda: port.data == b"back")


class CountedSerial(Serial):
    """A real port that counts the tries to open it."""

    tries = 0

    def open(self) -> None:
        CountedSerial.tries += 1
        super().open()


def test_a_missing_port_is_reported_once_and_found_when_it_comes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("firmware_bridge.port.Serial", CountedSerial)
    wire = Wire(tmp_path / "reader")
    log = Log(wire.path)
    log.port.start()
    until(lambda: CountedSerial.tries == 2)
    assert log.told == ["lost: there is no such port; plug the device in, or correct the port's name"]
    wire.plug_in()
    until(lambda: log.told[1:] == ["found"])
    log.port.stop()
    wire.unplug()


def test_a_second_program_is_refused_the_port_until_the_first_ends(wire: Wire, port: Log) -> None:
    until(lambda: port.told == ["found"])
    second = Log(wire.path)
    second.port.start()
    until(lambda: second.told)
    assert second.told == ["lost: another program uses it; stop that program"]
    port.port.stop()
    until(lambda: second.told[1:] == ["found"])
    second.port.stop()


def test_stop_ends_while_the_device_is_silent(wire: Wire, port: Log) -> None:
    until(lambda: port.told == ["found"])
    port.port.stop()
    until(lambda: not any(thread.name.startswith("port") for thread in threading.enumerate()))
    assert os.path.realpath(wire.path) not in open_files()


def open_files() -> list[str]:
    return [os.path.realpath(path) for path in Path("/proc/self/fd").iterdir()]


def test_stop_ends_while_the_port_is_missing(tmp_path: Path) -> None:
    log = Log(str(tmp_path / "nothing"))
    log.port.start()
    until(lambda: log.told)
    log.port.stop()
    until(lambda: not any(thread.name.startswith("port") for thread in threading.enumerate()))


def test_a_file_that_is_not_a_serial_port_is_refused_and_not_read(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_bytes(b"\x0262E3086CED08\x03")
    log = Log(str(file))
    log.port.start()
    until(lambda: log.told)
    assert log.told[0].startswith("lost: it cannot be read")
    log.port.stop()
    assert log.data == b""


def test_a_handler_that_fails_counts_as_a_lost_port_and_is_called_again(
    wire: Wire, caplog: pytest.LogCaptureFixture
) -> None:
    told: list[str] = []
    got: list[bytes] = []

    def fail_once(data: bytes) -> None:
        if not told[1:]:
            raise ValueError(os.strerror(1))
        got.append(data)

    port = SerialPort(wire.path, 9600, fail_once, lambda _: told.append("lost"), lambda: told.append("found"))
    port.start()
    until(lambda: told == ["found"])
    wire.send(b"x")
    until(lambda: told == ["found", "lost", "found"])
    wire.send(b"y")
    until(lambda: got == [b"y"])
    port.stop()
    assert "a handler failed" in caplog.text


def test_written_bytes_are_sent_and_those_without_room_are_dropped(wire: Wire, port: Log) -> None:
    until(lambda: port.told == ["found"])
    port.port.write(b"hello")
    until(lambda: wire.heard() == b"hello")
    # The device takes nothing: its kernel's buffer fills, then ours, and no write ever waits.
    for _ in range(1000):
        port.port.write(bytes(1000))
    heard = 0
    while more := wire.heard():
        heard += len(more)
    assert MOST_UNSENT <= heard < 1_000_000
    port.port.write(b"on")
    until(lambda: wire.heard().endswith(b"on"))


def test_discarded_bytes_are_never_sent(wire: Wire, port: Log) -> None:
    until(lambda: port.told == ["found"])
    for _ in range(200):
        port.port.write(b"old" * 300)
    port.port.discard()
    while wire.heard():
        pass  # what the far end already had
    port.port.write(b"new")
    until(lambda: wire.heard() == b"new")


def test_bytes_written_to_a_missing_port_are_dropped(tmp_path: Path) -> None:
    log = Log(str(tmp_path / "nothing"))
    log.port.write(b"before the start")
    log.port.start()
    until(lambda: log.told)
    log.port.write(b"while it is missing")
    log.port.stop()
    log.port.write(b"after the end")
    log.port.wake()


def test_another_device_under_the_ports_name_is_opened(wire: Wire, port: Log) -> None:
    until(lambda: port.told == ["found"])
    first = wire.let_go()
    wire.plug_in()
    until(lambda: len(port.told) == 3)
    assert port.told[1].startswith("lost: it cannot be read ([Errno 6] another device has its name now)")
    wire.send(b"second")
    until(lambda: port.data == b"second")
    os.close(first)


def test_a_garbled_line_is_lost_until_it_is_clean(wire: Wire) -> None:
    errors = iter([0, 100, 200, 201])
    told: list[str] = []
    port = SerialPort(
        wire.path,
        9600,
        lambda _: None,
        told.append,
        lambda: told.append("found"),
        count_errors=lambda _: next(errors, 201),
    )
    port.start()
    until(lambda: len(told) == 3)
    port.stop()
    assert told == [
        "found",
        "its line is garbled; check its plug, the ground wire and the baud rate",
        "found",
    ]


def test_a_driver_that_counts_no_errors_reports_none(wire: Wire) -> None:
    with Serial(wire.path) as port:
        assert line_errors(port.fileno()) is None
