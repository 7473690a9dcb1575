from __future__ import annotations

from pathlib import Path

import pytest

from config.errors import InputError
from edge.station_file import load_station
from tests.edge.hardware.test_build import TOML


@pytest.mark.parametrize(("wire", "pin"), [("open_pin = 17", 8), ("close_pin = 27", 2)])
def test_a_motor_on_a_pin_that_is_high_while_the_pi_starts_is_refused(
    tmp_path: Path, wire: str, pin: int
) -> None:
    name = wire.partition(" ")[0]
    config = tmp_path / "station.toml"
    config.write_text(TOML.replace(wire, f"{name} = {pin}").format(port="/dev/ttyS0"))
    with pytest.raises(InputError) as refused:
        load_station(config)
    assert f"bin[0].lid.{name}: pin {pin} is high" in refused.value.what
