"""Back up and restore a ledger: its database as of one instant, and its keys.

The ledger may keep running. Both are atomic: a backup gets its name once it is complete, and a database is
restored in one transaction.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
from contextlib import closing
from pathlib import Path

from cloud_sync.ledger.keys import OLD_CARD_KEY_FILE, SECRET_KEY_FILE, SIGNING_KEY_FILE, card_keys
from config.errors import InputError
from config.ledger import LedgerSettings, is_postgres
from config.process.atomic import write_atomic
from config.reading.files import mend_of, sqlite_mend
from config.reading.private import hand_over, make_private, make_private_folder, refuse_shared

SQLITE_FILE = "ledger.sqlite3"
POSTGRES_FILE = "ledger.pgdump"
KEYS = (Path(SECRET_KEY_FILE), Path(SIGNING_KEY_FILE))
BUSY_S = 60.0


def back_up(settings: LedgerSettings, to: Path) -> None:
    """Copy the ledger into a new folder that only its owner can read; InputError if that fails."""
    draft = to.with_name(f".{to.name}.new")
    if to.exists():
        raise InputError(f"{to} exists already", "name a new folder")
    try:
        shutil.rmtree(draft, ignore_errors=True)
        make_private_folder(draft)
        for name in (*KEYS, *card_keys(settings.state_dir)):
            refuse_shared(settings.state_dir / name)
            _make_folders(draft, name)
            write_atomic(draft / name, (settings.state_dir / name).read_bytes(), private=True, durable=True)
            hand_over(draft / name)
        _put_away(settings.ledger.database, draft)
        draft.rename(to)
        _sync(to.parent)
    except OSError as error:
        raise InputError(f"no backup can be made at {to} ({error})", mend_of(error, to)) from None
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def restore(settings: LedgerSettings, source: Path, *, replace: bool, busy_s: float = BUSY_S) -> None:
    """Restore a backup into the database and the keys that the settings name.

    SQLite waits `busy_s` seconds for a writer; PostgreSQL waits by itself.
    InputError if there is no backup for such a database, if the database holds a ledger and `replace` is
    not set, or if other keys exist.
    """
    name = settings.ledger.database
    file = source / (POSTGRES_FILE if is_postgres(name) else SQLITE_FILE)
    if not file.is_file():
        raise InputError(
            f"no file {file}", "name a folder that `tongzhan ledger backup` wrote for this kind of database"
        )
    if not replace and holds_something(name):
        what = "the database of this ledger.toml is not empty"
        raise InputError(what, "back it up, stop the workers, then add --replace")
    _restore_keys(settings.state_dir, source)
    if is_postgres(name):
        _run("pg_restore", name, "--clean", "--if-exists", "--single-transaction", "--no-owner", str(file))
    else:
        _restore_sqlite(Path(name), file, busy_s)


def holds_something(database: str) -> bool:
    """Return whether the database has any of our tables."""
    if is_postgres(database):
        query = "SELECT count(*) FROM pg_tables WHERE tablename = 'stations_community'"
        return _run("psql", database, "--no-psqlrc", "-Atc", query).strip() != "0"
    return Path(database).exists() and Path(database).stat().st_size > 0


def _put_away(database: str, folder: Path) -> None:
    if is_postgres(database):
        file = folder / POSTGRES_FILE
        _run("pg_dump", database, "--format=custom", "--no-owner", "--file", str(file))
    else:
        file = folder / SQLITE_FILE
        _copy_sqlite(Path(database), file)
    file.chmod(0o600)
    hand_over(file)
    _sync(file)
    _sync(folder)


def _copy_sqlite(database: Path, to: Path) -> None:
    """Copy one reader's view; writers are not blocked, and their later commits are not in the copy."""
    if not database.exists():
        raise InputError(f"no file {database}", "run: tongzhan ledger init --config F")
    try:
        with closing(sqlite3.connect(database, timeout=BUSY_S)) as held:
            held.execute("VACUUM INTO ?", [str(to)])
        with closing(sqlite3.connect(to)) as copy:
            (answer,) = copy.execute("PRAGMA integrity_check(1)").fetchone()
    except sqlite3.Error as error:
        raise InputError(f"{database} cannot be copied ({error})", sqlite_mend(error, database)) from None
    if answer != "ok":
        raise InputError(f"the copy of {database} is damaged ({answer})", "check the disk of both")


def _restore_sqlite(database: Path, file: Path, busy_s: float) -> None:
    """Write the backup over the database's pages in one transaction; safe while others have it open."""
    try:
        make_private_folder(database.parent)
        make_private(database)
        with (
            closing(sqlite3.connect(f"{file.absolute().as_uri()}?mode=ro", uri=True)) as source,
            closing(sqlite3.connect(database, timeout=busy_s)) as target,
        ):
            source.backup(target, progress=_give_up_when_busy)
    except (OSError, sqlite3.Error) as error:
        raise InputError(f"{database} cannot be written ({error})", sqlite_mend(error, database)) from None


def _give_up_when_busy(status: int, _remaining: int, _total: int) -> None:
    """Stop when the database is busy: Python itself would wait forever."""
    if status in {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}:
        raise InputError("another process writes to the database", "stop the workers, then try again")


def _restore_keys(state_dir: Path, source: Path) -> None:
    """Restore missing keys. InputError if other keys exist: with them every card would be unknown."""
    make_private_folder(state_dir)
    for name in (*KEYS, *card_keys(source)):
        kept, here = source / name, state_dir / name
        if name == Path(OLD_CARD_KEY_FILE) and _is_among(kept, state_dir):
            continue  # of a backup from before a community had a key of its own, which it has by now
        if not kept.is_file():
            raise InputError(f"no file {kept}", "name a folder that `tongzhan ledger backup` wrote")
        if not here.exists():
            _make_folders(state_dir, name)
            write_atomic(here, kept.read_bytes(), private=True, durable=True)
            hand_over(here)
        elif here.read_bytes() != kept.read_bytes():
            raise InputError(f"{here} differs from the backup's key", "move it away, then try again")


def _is_among(key: Path, state_dir: Path) -> bool:
    """Whether a card key is one of those that are here."""
    return key.read_bytes() in {(state_dir / name).read_bytes() for name in card_keys(state_dir)}


def _make_folders(root: Path, name: Path) -> None:
    """Make the folders of a file below a root, private as that is."""
    for folder in reversed(name.parents):
        make_private_folder(root / folder)


def _run(program: str, database: str, *arguments: str) -> str:
    """Run one of PostgreSQL's programs on a database; pass the password in the environment."""
    found = shutil.which(program)
    if found is None:
        raise InputError(f"{program} is not installed", "install it: sudo apt-get install postgresql-client")
    from cloud_sync.ledger.db.address import without_password  # noqa: PLC0415 (SQLite needs no libpq)

    address, password = without_password(database)
    environment = {"PGCONNECT_TIMEOUT": "10"} | os.environ | ({"PGPASSWORD": password} if password else {})
    command = [found, f"--dbname={address}", "--no-password", *arguments]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)  # noqa: S603 (no shell, our own arguments)
    if done.returncode:
        said = (done.stderr.strip().splitlines() or [f"status {done.returncode}"])[0]
        raise InputError(f"{program} failed: {said}", "mend that, and run the same command again")
    return done.stdout


def _sync(path: Path) -> None:
    """Force a file's bytes, or a folder's names, to the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
