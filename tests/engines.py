"""The engines under the same code: one laptop has iotcore and SQLite, a town mosquitto and PostgreSQL.

A test module that is to run over both says `pytestmark = BOTH`; its `database` is then of each kind in
turn, and so is its `engine`, whose broker starts when it is first asked for.
"""

from __future__ import annotations

import itertools
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

import pytest

from tests.brokers import MISSING, IotcoreBroker, MosquittoBroker, RunningBroker
from tests.postgres import Postgres


class Tier(StrEnum):
    """Which engines."""

    LAPTOP = "laptop"
    TOWN = "town"


BOTH = [
    pytest.mark.usefixtures("engine"),
    pytest.mark.parametrize("engine", list(Tier), indirect=True, ids=str),
]
"""Marks of a test, or of a whole module, that runs over both tiers."""
ON_POSTGRES = [
    pytest.mark.usefixtures("engine"),
    pytest.mark.parametrize("engine", [Tier.TOWN], indirect=True, ids=str),
]
"""As BOTH, over PostgreSQL alone."""


@dataclass
class Engine:
    """One tier's database and broker, of one test."""

    tier: Tier
    folder: Path
    new_database: Callable[[], str]
    """Makes a prepared, empty database; gives what `database` in a ledger.toml says for it."""
    _broker: RunningBroker | None = field(default=None, init=False)

    @property
    def broker(self) -> RunningBroker:
        """The running broker."""
        if self._broker is None:
            self._broker = self._new_broker()
            self._broker.start()
        return self._broker

    def stop(self) -> None:
        """End the broker, if it ever ran."""
        if self._broker is not None:
            self._broker.stop()

    def _new_broker(self) -> RunningBroker:
        if self.tier is Tier.LAPTOP:
            return IotcoreBroker()
        if shutil.which("mosquitto") is None:
            pytest.skip(MISSING)
        return MosquittoBroker(self.folder)


def sqlite_copies(template: Path, folder: Path) -> Callable[[], str]:
    """Make databases as copies of a prepared file."""
    numbers = itertools.count()

    def fresh() -> str:
        return str(shutil.copy(template, folder / f"ledger-{next(numbers)}.sqlite3"))

    return fresh


@contextmanager
def postgres_copies(server: Postgres, template: str) -> Iterator[Callable[[], str]]:
    """Make databases from a prepared one of the server, which nobody may be using; they go at the end."""
    made: list[str] = []
    numbers = itertools.count()

    def fresh() -> str:
        made.append(f"{template}_{next(numbers)}")
        server.copy(template, made[-1])
        return server.url(made[-1])

    yield fresh
    for name in made:
        server.run(f"DROP DATABASE {name} WITH (FORCE)")
