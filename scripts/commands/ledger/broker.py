"""`tongzhan ledger broker`: configure mosquitto for this ledger and its stations."""

from __future__ import annotations

import shlex
import signal
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import click

from cloud_sync.ledger.broker.files import BrokerSpec
from cloud_sync.ledger.broker.users import home_of
from config.errors import InputError
from config.ledger import LedgerSettings
from config.reading import typed
from config.reading.common import LOOPBACK
from config.reading.hosts import check_host
from scripts.commands.ledger.common import config_option, echo_json, json_option, open_ledger


@click.command()
@config_option
@click.option(
    *("--out", "folder"),
    required=True,
    type=click.Path(path_type=Path, file_okay=False),
    help="Folder to write: mosquitto.conf and all files it names. Keep it between runs.",
)
@click.option("--host", help="The broker's host name for stations.  [default: host under [stations]]")
@click.option("--name", "names", multiple=True, help="A further name or address of the broker; repeatable.")
@click.option(
    "--station-port",
    type=click.IntRange(1, 65535),
    help="Port for stations; the ledger's is under [broker].  [default: port under [stations]]",
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
@click.option(
    "--follow",
    is_flag=True,
    help="Run until stopped: write the folder and reload mosquitto whenever a station enrols or is retired.",
)
@click.option(
    *("--reload", "reload_by"),
    default="systemctl reload mosquitto",
    show_default=True,
    metavar="COMMAND",
    help="With --follow: what makes mosquitto read its files again.",
)
@json_option
def broker(  # noqa: PLR0913 (one parameter an option)
    config: Path,
    folder: Path,
    *,
    host: str | None,
    names: tuple[str, ...],
    station_port: int | None,
    user: str,
    data: Path,
    renew: tuple[str, ...],
    follow: bool,
    reload_by: str,
    as_json: bool,
) -> None:
    """Write a mosquitto configuration with TLS only, and a password and rights for each station.

    With --follow it does so by itself, and renews the certificate in time. Otherwise run it again after
    admitting or retiring a station, and each month for the certificate; then reload mosquitto. Existing
    passwords stay as they are.
    """
    settings = open_ledger(config)
    from cloud_sync.ledger.broker.files import BrokerSpec, write_broker
    from cloud_sync.ledger.broker.mosquitto import Listeners

    called = settings.stations_host if host is None else check_host(host, "--host")
    for name in names:
        check_host(name, "--name")
    folder = folder.resolve()
    door = _door(settings, station_port)
    if follow and renew:
        raise click.UsageError("--renew does its work at once: run it without --follow.")
    listeners = Listeners(door, settings.broker.port, settings.broker.host, user, data.resolve())
    every = {called, settings.broker.host, *names} | (LOOPBACK if settings.broker.host in LOOPBACK else set())
    own = Path(settings.broker.password_file) if settings.broker.password_file else None
    ledger = typed.topic_name("[broker] username", settings.broker_name)

    def wanted_now() -> BrokerSpec:
        return _with_stations(settings, BrokerSpec(ledger, {}, (), every, listeners, ledger_password=own))

    if follow:
        _follow(folder, wanted_now, shlex.split(reload_by))
        return
    wanted = wanted_now()
    wanted = replace(wanted, renewed=[_station(wanted, name) for name in renew])
    fresh = write_broker(folder, wanted, datetime.now(UTC))
    if as_json:
        echo_json({"folder": str(folder), "credentials": {user: str(file) for user, file in fresh.items()}})
    else:
        _tell(folder, wanted, called, fresh)


def _door(settings: LedgerSettings, given: int | None) -> int:
    """Return the port for stations; InputError for the ledger's own."""
    port = given or settings.stations.port
    if port == settings.broker.port:
        raise InputError(f"port {port} is the ledger's own", "name another with --station-port")
    return port


def _with_stations(settings: LedgerSettings, wanted: BrokerSpec) -> BrokerSpec:
    """Add the stations in service of each community, as the database has them now."""
    from cloud_sync.ledger.communities.register import served_communities
    from cloud_sync.ledger.db.database import check
    from cloud_sync.ledger.enrolment.logins import broker_users

    check(settings)
    found = {community.slug: broker_users(community) for community in served_communities()}
    return replace(
        wanted,
        stations={slug: some.by_file for slug, some in found.items()},
        kept={slug: some.kept for slug, some in found.items()},
        logins={user: hash_ for some in found.values() for user, hash_ in some.logins.items()},
    )


def _follow(folder: Path, wanted: Callable[[], BrokerSpec], command: Sequence[str]) -> None:
    from cloud_sync.ledger.broker.follow import follow
    from cloud_sync.ledger.site.logs import start_log
    from cloud_sync.service.systemd import WatchedStop, notifier_of

    start_log()
    notifier = notifier_of()
    stopping = WatchedStop(notifier)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda _number, _frame: stopping.set())
    notifier.ready()
    follow(folder, wanted, command, stopping)


def _station(wanted: BrokerSpec, name: str) -> tuple[str, str]:
    """The community and station that a name stands for; InputError for none, and for several."""
    community, _, slug = typed.slug(name).rpartition(".")
    stations = wanted.stations
    found = [home for home, some in stations.items() if slug in some and community in {"", home}]
    if not found and any(user.split(".")[1] == slug for user in wanted.logins):
        raise InputError(
            f"station {slug} has enrolled: its password is not in a file",
            "run at the station: sudo tongzhan station rotate-key --config F",
        )
    if not found:
        raise InputError(f"no active station {name}", "see: tongzhan ledger station list --config F")
    if len(found) > 1:
        raise InputError(
            f"{slug} is a station of several communities", f"name one: --renew {found[0]}.{slug}"
        )
    return found[0], slug


def _tell(folder: Path, wanted: BrokerSpec, host: str, fresh: dict[str, Path]) -> None:
    """What was written, and what the owner of each new password has to write down."""
    for community, by_file in sorted(wanted.stations.items()):
        enrolled = {user.split(".")[1] for user in wanted.logins if home_of(user) == community}
        click.echo(f"{folder}/mosquitto.conf: {len({*by_file, *enrolled})} stations of {community}")
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
