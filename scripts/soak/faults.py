"""Begins and ends faults. Importable only after `cloud_sync.ledger.setup`."""

from __future__ import annotations

import resource
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from cloud_sync.ledger.db.backups import back_up, restore
from config.ledger import load_ledger
from config.process.atomic import write_atomic
from edge.journal.schema import JOURNAL_FILE
from scripts.soak.journals import read_journal
from scripts.soak.judge.rows import EventId, Journal
from scripts.soak.plan import Fault, Kind
from scripts.soak.system import System

DATABASE_S = 60.0
"""Timeout of a database's restart after a kill."""
LOOK_S = 0.05


@dataclass
class Losses:
    """What restored images and backups removed, for the verdict."""

    gone: list[Journal] = field(default_factory=list)
    """Rows that were only on a lost card."""
    cards: list[Journal] = field(default_factory=list)
    """All rows of each lost card."""
    taken_back: set[EventId] = field(default_factory=set)
    """Events that the ledger had and a restored backup did not."""


class Faults:
    """Faults of a system. `strike` returns what ends the fault, or None if it is over at once."""

    def __init__(self, system: System, losses: Losses) -> None:
        self._system, self._losses = system, losses
        self._strikes: dict[Kind, Callable[[Fault], Callable[[], None] | None]] = {
            Kind.KILL: self._kill,
            Kind.CUT: self._on_link,
            Kind.SILENCE: self._on_link,
            Kind.DELAY: self._on_link,
            Kind.THROTTLE: self._on_link,
            Kind.DISK_FULL: self._fill_disk,
            Kind.CLOCK_STEP: self._step_clock,
            Kind.IMAGE: self._take_image,
            Kind.CARD_RESTORED: self._restore_card,
            Kind.BACKUP: self._back_up,
            Kind.LEDGER_RESTORED: self._restore_ledger,
        }

    def strike(self, fault: Fault) -> Callable[[], None] | None:
        """Begin one fault."""
        return self._strikes[fault.kind](fault)

    def _kill(self, fault: Fault) -> None:
        self._system.crew.kill(fault.target)

    def _on_link(self, fault: Fault) -> Callable[[], None]:
        network = self._system.network
        match fault.kind:
            case Kind.CUT:
                network.cut(fault.target)
            case Kind.SILENCE:
                network.silence(fault.target)
            case Kind.DELAY:
                network.delay(fault.target, fault.amount)
            case _:
                network.throttle(fault.target, fault.amount)
        return lambda: network.heal(fault.target)

    def _fill_disk(self, fault: Fault) -> Callable[[], None]:
        """Limit the files of the station's processes to the present size of the journal's log, and a little.

        A limit on file sizes acts like a full disk, needs no root, and affects only this station.
        """
        log = self._system.state_dir(fault.target) / f"{JOURNAL_FILE}-wal"
        size = log.stat().st_size if log.exists() else 0
        names = (f"station-{fault.target}", f"sync-{fault.target}")
        limited = {name: self._limit(name, size + int(fault.amount)) for name in names}

        def end() -> None:
            for name, pid in limited.items():
                if pid is not None and self._system.crew.pid(name) == pid:
                    self._limit(name, resource.RLIM_INFINITY)

        return end

    def _limit(self, name: str, size: int) -> int | None:
        pid = self._system.crew.pid(name)
        if pid is not None:
            try:
                resource.prlimit(pid, resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))
            except ProcessLookupError:
                return None
        return pid

    def _step_clock(self, fault: Fault) -> None:
        file = self._system.root / f"{fault.target}.clock"
        write_atomic(file, str(fault.amount).encode())

    def _take_image(self, fault: Fault) -> None:
        with_card = self._switch_off(fault.target)
        image = self._image(fault.target)
        shutil.rmtree(image, ignore_errors=True)
        shutil.copytree(self._system.state_dir(fault.target), image)
        self._system.release(*with_card)

    def _restore_card(self, fault: Fault) -> None:
        with_card = self._switch_off(fault.target)
        folder, image = self._system.state_dir(fault.target), self._image(fault.target)
        lost = read_journal(folder, fault.target)
        shutil.rmtree(folder)
        shutil.copytree(image, folder)
        kept = read_journal(folder, fault.target).rows
        rows = {name: row for name, row in lost.rows.items() if name not in kept}
        self._losses.gone.append(Journal(fault.target, rows, gone=True))
        self._losses.cards.append(lost)
        self._system.release(*with_card)

    def _switch_off(self, station: str) -> tuple[str, str]:
        both = (f"station-{station}", f"sync-{station}")
        self._system.hold(*both)
        return both

    def _image(self, station: str) -> Path:
        return self._system.root / "images" / station

    def _back_up(self, fault: Fault) -> None:
        del fault
        self._wait_for_database()
        fresh = self._backup.with_name("backup.fresh")
        back_up(load_ledger(self._system.ledger_toml), fresh)
        shutil.rmtree(self._backup, ignore_errors=True)
        fresh.rename(self._backup)

    def _restore_ledger(self, fault: Fault) -> None:
        del fault
        workers = self._system.worker_names
        self._system.hold(*workers)
        self._wait_for_database()
        from scripts.soak.judge.evidence import read_events  # noqa: PLC0415 (models need Django set up)

        before = read_events()
        restore(load_ledger(self._system.ledger_toml), self._backup, replace=True)
        self._losses.taken_back |= before - read_events()
        self._system.release(*workers)

    @property
    def _backup(self) -> Path:
        return self._system.root / "backup"

    def _wait_for_database(self) -> None:
        until = time.monotonic() + DATABASE_S
        while not self._system.engine.answers():
            if time.monotonic() > until:
                raise TimeoutError(f"the database did not come back in {DATABASE_S:.0f} s")
            self._system.keep_up()
            time.sleep(LOOK_S)
