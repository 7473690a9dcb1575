"""`tongzhan ledger broker`: configure mosquitto for this ledger and its stations."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import UTC, datetime
from pathlib import Path

import click

from cloud_sync.ledger.broker.files import BrokerSpec
from config.errors import InputError
from config.ledger import LedgerSettings
from config.reading import typed
from config.reading.common import LOOPBACK
from config.reading.hosts import check_host
from scripts.commands.ledger.common import config_option, echo_json, json_option, open_ledger

STATION_PORT = 8883


@click.command()
@config_option
@click.option(
    *("--out", "folder"),
    required=True,
    type=click.Path(path_type=Path, file_okay=False),
    help="Folder to write: mosquitto.conf and all files it names. Keep it between runs.",
)
@click.option("--host", help="The broker's host name for stations.  [default: host under [broker]]")
@click.option("--name", "names", multiple=True, help="A further name or address of the broker; repeatable.")
@click.option(
    "--station-port",
    type=click.IntRange(1, 65535),
    default=STATION_PORT,
    show_default=True,
    help="Port for stations; the ledger uses the port under [broker].",
)
@click.option("--user", default="mosquitto", show_default=True, help="The system user mosquitto runs as.")
@click.option(
    "--data",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("/var/lib/mosquitto"),
    show_default=True,
    help="Where mosquitto keeps its sessions.",
)
@click.option(
    "--renew",
    multiple=True,
    metavar="STATION",
    help="Give a station (COMMUNITY.SLUG, or SLUG) a new password.",
)
@json_option
def broker(  # noqa: PLR0913 (one parameter an option)
    config: Path,
    folder: Path,
    *,
    host: str | None,
    names: tuple[str, ...],
    station_port: int,
    user: str,
    data: Path,
    renew: tuple[str, ...],
    as_json: bool,
) -> None:
    """Write a mosquitto configuration with TLS only, and a password and rights for each station.

    Run it again after admitting or retiring a station, and each month for the certificate; then reload
    mosquitto. Existing passwords stay as they are.
    """
    settings = open_ledger(config)
    from cloud_sync.ledger.broker.files import BrokerSpec, write_broker
    from cloud_sync.ledger.broker.mosquitto import Listeners

    called = settings.broker.host if host is None else check_host(host, "--host")
    for name in names:
        check_host(name, "--name")
    folder = folder.resolve()
    stations = _stations(settings)
    renewed = [_station(stations, name) for name in renew]
    if station_port == settings.broker.port:
        raise InputError(f"port {station_port} is the ledger's own", "name another with --station-port")
    listeners = Listeners(station_port, settings.broker.port, settings.broker.host, user, data.resolve())
    every = {called, settings.broker.host, *names} | (LOOPBACK if settings.broker.host in LOOPBACK else set())
    own = Path(settings.broker.password_file) if settings.broker.password_file else None
    ledger = typed.topic_name("[broker] username", settings.broker_name)
    wanted = BrokerSpec(ledger, stations, renewed, every, listeners, own)
    fresh = write_broker(folder, wanted, datetime.now(UTC))
    if as_json:
        echo_json({"folder": str(folder), "credentials": {user: str(file) for user, file in fresh.items()}})
    else:
        _tell(folder, wanted, called, fresh)


def _stations(settings: LedgerSettings) -> dict[str, list[str]]:
    """Those of each community that are in service."""
    from cloud_sync.ledger.communities.register import all_communities
    from cloud_sync.ledger.db.database import check
    from cloud_sync.ledger.stations.registry import active_stations

    check(settings)
    return {community.slug: active_stations(community) for community in all_communities()}


def _station(stations: Mapping[str, Collection[str]], name: str) -> tuple[str, str]:
    """The community and station that a name stands for; InputError for none, and for several."""
    community, _, slug = typed.slug(name).rpartition(".")
    found = [home for home, some in stations.items() if slug in some and community in {"", home}]
    if not found:
        raise InputError(f"no active station {name}", "see: tongzhan ledger station list --config F")
    if len(found) > 1:
        raise InputError(
            f"{slug} is a station of several communities", f"name one: --renew {found[0]}.{slug}"
        )
    return found[0], slug


def _tell(folder: Path, wanted: BrokerSpec, host: str, fresh: dict[str, Path]) -> None:
    """What was written, and what the owner of each new password has to write down."""
    for community, stations in sorted(wanted.stations.items()):
        click.echo(f"{folder}/mosquitto.conf: {len(stations)} stations of {community}")
    if not wanted.stations:
        click.echo(f"{folder}/mosquitto.conf: the ledger alone, as it has no community yet")
    for user, file in sorted(fresh.items()):
        community, _, station = user.partition(".")
        ports = wanted.listeners
        at, port = (host, ports.station_port) if station else (ports.ledger_host, ports.ledger_port)
        section = (
            f"station {station} of {community}, station.toml: [cloud]"
            if station
            else "ledger, ledger.toml: [broker]"
        )
        click.echo(f'{section} host = "{at}", port = {port}, username = "{user}"')
        click.echo(f'  tls_ca = "{folder}/ca.pem", password_file = "{file}"')
    if fresh:
        click.echo("copy to each station its password file and ca.pem; install them there:")
        click.echo("  sudo install -m 640 -g tongzhan FILE /etc/tongzhan/broker.password")
        click.echo("  sudo install -m 644 ca.pem /etc/tongzhan/ca.pem")
    click.echo("start mosquitto with this file, or reload it: systemctl reload mosquitto")
