"""`tongzhan station enrol · rotate-key`: a station's keys, names and broker, from its ledger."""

from __future__ import annotations

from pathlib import Path

import click

from cloud_sync.wire.enrolment_code import EnrolmentCode, parse_code
from cloud_sync.wire.envelope import key_id
from edge.enrol.enrol import enrol as trade
from edge.enrol.rotation import rotate
from edge.station_file import load_station, place_before_enrolment
from edge.sync.keys import load_keys
from scripts.commands.station.options import config_option


@click.command()
@config_option
@click.option(
    "--camera",
    metavar="N",
    help="Read the QR code by a camera: its number, such as 0, or its device. Stop tongzhan-eye first.",
)
@click.option(
    "--image",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Read the QR code from a photo.",
)
@click.argument("code", required=False)
def enrol(config: Path, camera: str | None, image: Path | None, code: str | None) -> None:
    """Enrol this station at its ledger by a one-time CODE, which the ledger's office or command shows.

    Makes the station's keys and writes all that the ledger gives into the state folder: names, card key,
    ledger key, broker, its authority, user and password. Running services take it up by themselves. Without
    CODE it is asked for; a scanner that types does for the keyboard. A station that enrolled before, with
    another card or board, enrols again under the same name. Killed, run the same command again.
    """
    if sum(given is not None for given in (camera, image, code)) > 1:
        raise click.UsageError("Give CODE, --camera or --image: one of them.")
    place = place_before_enrolment(config)
    found = _code(camera, image, code)
    now = trade(place.state_dir, found, place.community, place.station)
    load_station(config)
    click.echo(f"enrolled as station {now.station} of {now.community}, at {found.place}")
    click.echo(f"the broker is {now.host}, port {now.port}; events go out once tongzhan-sync runs")


@click.command("rotate-key")
@config_option
def rotate_key(config: Path) -> None:
    """Change to a new key and a new password at the broker; nothing on its way is lost.

    The old key signs the request. The ledger believes both until it has heard the new one, for a day at most.
    A running sync takes the new ones up by itself. Killed, run the same command again.
    """
    settings = load_station(config)
    rotate(settings)
    signing = load_keys(Path(settings.station.state_dir)).signing
    click.echo(f"the station signs by key {key_id(signing.public_key())} from now on")


def _code(camera: str | None, image: Path | None, code: str | None) -> EnrolmentCode:
    if camera is not None:
        from edge.enrol.scanning import watch
        from edge.eye.camera import frames_of

        with frames_of(int(camera) if camera.isdigit() else camera) as frame:
            return watch(frame)
    if image is not None:
        from config.errors import InputError
        from edge.enrol.scanning import code_in
        from models.pictures import read_picture

        if (found := code_in(read_picture(image))) is None:
            raise InputError(f"no enrolment code is seen in {image}", "take the photo nearer and straighter")
        return found
    return parse_code(code if code is not None else click.prompt("The code, as the ledger shows it"))
