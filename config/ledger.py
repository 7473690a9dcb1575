"""What an operator writes down about a town's ledger, typed and checked as a whole."""

from __future__ import annotations

from ipaddress import ip_network
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

import msgspec
from msgspec import Meta

from config.errors import InputError, Problem
from config.reading import typed
from config.reading.common import (
    absolute_broker,
    absolute_sorting,
    beside_or_shipped,
    broker_problems,
    under,
    zone_problems,
)
from config.reading.hosts import host_problem, url_problem
from config.reading.load import load_toml
from config.reading.private import OTHERS, refuse_shared, refuse_writers
from config.station import CloudSection
from config.wiring import Slug

LOCAL_PROXIES = ("127.0.0.1", "::1")
ANY_HOST = "*"
"""Django's word for every name; a name that begins with a dot includes its subdomains."""
_EVERYWHERE = "127.0.0.1 for this machine only, 0.0.0.0 or :: for every address"
MAX_NAME = 64
"""Letters of a community's name."""
MOST_POINTS = 10**12
"""A limit of points a day that means none."""
SHIPPED_RULES = (str(Path(__file__).with_name("award_rules.v1.toml")),)
"""Award rules of a community for which none are named."""
OLD = ("community", "name_zh", "name_en", "rules", "daily_mint_limit", "sorting")
"""Keys of a ledger that had one community and kept it in this file."""
POSTGRES = ("postgresql://", "postgres://")


class _Section(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A table of the file; an unknown key in it is an error."""


class LedgerSection(_Section, frozen=True):
    """Where a ledger keeps things, and its town's own. Paths are relative to the configuration file.

    What a community is stands in the database (`tongzhan ledger community`). The keys of OLD are those of a
    file from before that: `init` carries them over, once.
    """

    database: str
    """A SQLite file, or postgresql://user:password@host:port/name."""
    state_dir: str
    """Folder of the ledger's keys; readable by the ledger alone."""
    timezone: str = "Asia/Shanghai"
    """Of the ledger's log; and of communities for which none is named."""
    silent_hours: Annotated[float, Meta(ge=0)] = 72.0
    """A station that was heard, and then for so many hours no more, is an alarm; 0: never."""
    community: Slug | None = None
    name_zh: Annotated[str, Meta(min_length=1, max_length=MAX_NAME)] | None = None
    name_en: Annotated[str, Meta(min_length=1, max_length=MAX_NAME)] | None = None
    rules: Annotated[tuple[str, ...], Meta(min_length=1)] | None = None
    daily_mint_limit: Annotated[int, Meta(ge=0, le=MOST_POINTS)] | None = None
    sorting: str | None = None

    @property
    def old_keys(self) -> list[str]:
        """Those of OLD that the file still has."""
        return [key for key in OLD if getattr(self, key) is not None]


class PagesSection(_Section, frozen=True):
    """Where the web pages are served."""

    host: str = "127.0.0.1"
    port: Annotated[int, Meta(ge=1, le=65535)] = 8000
    allowed_hosts: tuple[str, ...] = ("127.0.0.1", "localhost")
    """Names by which a browser may call this ledger."""
    public_url: str | None = None
    """The address residents use, if it is not http://host:port (behind a TLS proxy)."""
    proxies: tuple[str, ...] | None = None
    """Addresses or networks of that proxy: only these are believed about the client's address and TLS.
    Absent: this machine's own if public_url begins with https://, otherwise none."""
    tls_ca: str | None = None
    """The authority of the proxy's certificate, if it is not one that every computer knows: stations that
    enrol are given it."""
    hsts_days: Annotated[int, Meta(ge=0, le=730)] = 365
    """How long a browser that came by TLS must keep using it; 0 lets it stop."""


class StationsSection(_Section, frozen=True):
    """Where stations reach the broker; the ledger itself may reach it elsewhere (`[broker]`)."""

    host: str | None = None
    """Absent: the host under [broker]."""
    port: Annotated[int, Meta(ge=1, le=65535)] = 8883


class LedgerSettings(_Section, frozen=True):
    """A whole ledger.toml."""

    ledger: LedgerSection
    pages: PagesSection = PagesSection()
    broker: CloudSection = CloudSection()
    stations: StationsSection = StationsSection()

    @property
    def stations_host(self) -> str:
        """The broker's host as stations know it."""
        return self.stations.host or self.broker.host

    @property
    def url(self) -> str:
        """The beginning of residents' links, without a slash at the end."""
        pages = self.pages
        host = f"[{pages.host}]" if ":" in pages.host else pages.host
        return (pages.public_url or f"http://{host}:{pages.port}").rstrip("/")

    @property
    def is_tls(self) -> bool:
        """Whether residents reach the pages by TLS."""
        return self.url.startswith("https://")

    @property
    def proxies(self) -> tuple[str, ...]:
        """The addresses that are believed about a client's address and scheme."""
        if self.pages.proxies is not None:
            return self.pages.proxies
        return LOCAL_PROXIES if self.is_tls else ()

    @property
    def state_dir(self) -> Path:
        """Folder of the keys."""
        return Path(self.ledger.state_dir)

    @property
    def broker_name(self) -> str:
        """What the broker knows this ledger by: its user there, and the beginning of its sessions' names."""
        return self.broker.username or self.ledger.community or "town"


def load_ledger(path: Path) -> LedgerSettings:
    """Read a ledger.toml and make its paths absolute. InputError names what is wrong."""
    settings = _with_plain_names(load_toml(path, LedgerSettings, refuse_writers), path)
    if _holds_password(settings):
        refuse_shared(path, OTHERS)
    for problem, mend in _problems(settings):
        raise InputError(f"{path}: {problem}", mend)
    return _absolute(settings, path.resolve().parent)


def _with_plain_names(settings: LedgerSettings, path: Path) -> LedgerSettings:
    """Return the settings with the community's names normalised; InputError for an invalid name."""
    ledger = settings.ledger
    names = {
        key: typed.line(f"{path}: ledger.{key}", getattr(ledger, key), MAX_NAME)
        for key in ("name_zh", "name_en")
        if getattr(ledger, key) is not None
    }
    return msgspec.structs.replace(settings, ledger=msgspec.structs.replace(ledger, **names))


def is_postgres(database: str) -> bool:
    """Return whether a `database` value names a PostgreSQL server, not a SQLite file."""
    return database.startswith(POSTGRES)


def _problems(settings: LedgerSettings) -> list[Problem]:
    """Return the problems that no single key shows."""
    found = zone_problems("ledger.timezone", settings.ledger.timezone)
    if "://" in settings.ledger.database and not is_postgres(settings.ledger.database):
        found.append(("ledger.database: unknown kind of database", "use a file or postgresql://…"))
    if settings.stations.host is not None and (problem := host_problem(settings.stations.host)):
        found.append((f"stations.host: {problem[0]}", problem[1]))
    return found + _page_problems(settings.pages) + broker_problems("broker", settings.broker)


def _page_problems(pages: PagesSection) -> list[Problem]:
    """Return what is wrong with the pages' addresses and names."""
    found = []
    if problem := host_problem(pages.host):
        found.append((f"pages.host: {problem[0]}", problem[1] if pages.host else _EVERYWHERE))
    if pages.public_url is not None and (problem := url_problem(pages.public_url)):
        found.append((f"pages.public_url: {problem[0]}", problem[1]))
    found += [
        (f"pages.proxies: {address!r} is not an address", 'use one like "127.0.0.1" or "10.0.0.0/24"')
        for address in pages.proxies or ()
        if not _is_address(address)
    ]
    for number, name in enumerate(pages.allowed_hosts):
        if name != ANY_HOST and (problem := host_problem(name.removeprefix("."))):
            found.append((f"pages.allowed_hosts[{number}]: {problem[0]}", problem[1]))
    return found


def _holds_password(settings: LedgerSettings) -> bool:
    """Return whether the file itself is a secret."""
    try:
        return (
            is_postgres(settings.ledger.database) and urlsplit(settings.ledger.database).password is not None
        )
    except ValueError:  # reported when the address is parsed
        return True


def _is_address(text: str) -> bool:
    try:
        ip_network(text)
    except ValueError:
        return False
    return True


def _absolute(settings: LedgerSettings, base: Path) -> LedgerSettings:
    ledger = settings.ledger
    database = ledger.database if is_postgres(ledger.database) else str(base / ledger.database)
    return msgspec.structs.replace(
        settings,
        ledger=msgspec.structs.replace(
            ledger,
            database=database,
            state_dir=str(base / ledger.state_dir),
            sorting=ledger.sorting and absolute_sorting(base, ledger.sorting),
            rules=ledger.rules and tuple(beside_or_shipped(base, name) for name in ledger.rules),
        ),
        broker=absolute_broker(settings.broker, base),
        pages=msgspec.structs.replace(settings.pages, tls_ca=under(base, settings.pages.tls_ca)),
    )
