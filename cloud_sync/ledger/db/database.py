"""Create and upgrade the ledger's database, and check it before anything runs on it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from django.db import DatabaseError, connection

from cloud_sync.ledger.communities.carry import carry_over
from cloud_sync.ledger.db.steps import TABLE, Steps, read_steps
from cloud_sync.ledger.db.upgrade import upgrade
from cloud_sync.rules.award_rules import AwardRules
from config.errors import InputError
from config.ledger import SHIPPED_RULES, LedgerSettings, is_postgres
from config.reading.files import mend_of, sqlite_mend
from config.reading.load import load_toml
from config.reading.private import keep_private, make_private, make_private_folder, refuse_writers

INIT = "run: tongzhan ledger init --config F"


def prepare(settings: LedgerSettings) -> list[str]:
    """Migrate, and carry over what an older ledger.toml says; again does no harm. Lines for a person."""
    rules = load_rules(settings.ledger.rules or SHIPPED_RULES, named_by="ledger.rules")
    name = settings.ledger.database
    try:
        if not is_postgres(name):
            make_private_folder(Path(name).parent)
            make_private(Path(name))
            keep_private(Path(name))
        if TABLE in connection.introspection.table_names() and read_steps().unreadable:
            raise _damaged(settings)
        upgrade()
    except (OSError, DatabaseError) as error:
        raise _unusable(name, error) from None
    return carry_over(settings, rules)


def load_rules(files: Sequence[str], *, named_by: str) -> list[AwardRules]:
    """The award rules of these files, each a version; InputError names what is wrong in one."""
    return [load_toml(Path(file), AwardRules, refuse_writers, named_by=named_by) for file in files]


def check(settings: LedgerSettings) -> None:
    """Check that the database is prepared for this version and can be read; InputError says what is wrong."""
    if check_version(settings).unreadable:
        raise _damaged(settings)


def check_version(settings: LedgerSettings) -> Steps:
    """Check that the database exists and is prepared for this version; InputError says what is missing.

    Reads no row of a community, so that an audit can start whatever the rows hold; it goes on where rows
    that note the version cannot be read.
    """
    name = settings.ledger.database
    if not is_postgres(name):
        if not Path(name).exists():  # SQLite would create one that everybody can read
            raise InputError(f"database {_shown(name)} is not prepared for this version", INIT)
        keep_private(Path(name))
    try:
        steps = read_steps()
    except DatabaseError as error:
        if TABLE in str(error):  # it has none yet
            raise InputError(f"database {_shown(name)} is not prepared for this version", INIT) from None
        raise _unusable(name, error) from None
    if not steps.are_taken:
        raise InputError(f"database {_shown(name)} is not prepared for this version", INIT)
    return steps


def _damaged(settings: LedgerSettings) -> InputError:
    name = settings.ledger.database
    return InputError(
        f"database {_shown(name)} is damaged: rows of {TABLE} cannot be read",
        "see: tongzhan ledger verify --config F, "
        "then bring a backup back: tongzhan ledger restore FOLDER --config F",
    )


def _unusable(name: str, error: Exception) -> InputError:
    said = (str(error).splitlines() or [type(error).__name__])[0]  # PostgreSQL adds context in more lines
    return InputError(f"database {_shown(name)} cannot be used ({said})", _mend(name, error, said))


_POSTGRES_SAYS = (
    ("password authentication failed", "mend user and password in ledger.database"),
    ("no password supplied", "put the password into ledger.database"),
    ("no pg_hba.conf entry", "allow this user from this machine in the server's pg_hba.conf"),
    ("database", "make it: sudo -u postgres createdb --owner USER NAME"),
    ("role", "make the user: sudo -u postgres createuser --pwprompt USER"),
    ("translate host name", "mend the host in ledger.database"),
    ("Connection refused", "start PostgreSQL there, or mend host and port in ledger.database"),
    ("No such file or directory", "start PostgreSQL here, or name its host in ledger.database"),
    ("does not support SSL", "let the server speak TLS (ssl = on), or mend sslmode in ledger.database"),
    ("certificate", "mend sslrootcert and sslmode in ledger.database"),
    ("timeout expired", "look at the network between here and the server"),
    ("permission denied", "give the user of ledger.database its rights on the database"),
)
"""What the server or libpq says, and the mend; the first match counts."""


def _mend(name: str, error: Exception, said: str) -> str:
    if is_postgres(name):
        mends = (mend for words, mend in _POSTGRES_SAYS if words in said)
        return next(mends, "mend what it names, or ledger.database")
    if isinstance(error, OSError):
        return mend_of(error, Path(name))
    return sqlite_mend(error.__cause__, Path(name))


def _shown(name: str) -> str:
    """Return a database's name without its password."""
    if not is_postgres(name):
        return name
    from cloud_sync.ledger.db.address import shown  # noqa: PLC0415 (a ledger on SQLite needs no libpq)

    return shown(name)
