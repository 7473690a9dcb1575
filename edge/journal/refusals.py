"""Maps an error of the journal to its fault: each cause has its own fault, with its own words and fix."""

from __future__ import annotations

import errno
import sqlite3

from config.reading.files import SpecialFileError
from edge.faults import FaultCode
from edge.journal.schema import ForeignError, LayoutError

_FULL = frozenset({errno.ENOSPC, errno.EDQUOT})


def fault_of(error: BaseException) -> FaultCode:
    """Return the fault for an error of the journal; JOURNAL_FAILED if no other fits."""
    match error:
        case ForeignError():
            return FaultCode.JOURNAL_FOREIGN
        case LayoutError():
            return FaultCode.JOURNAL_NEWER
        case SpecialFileError():
            return FaultCode.JOURNAL_MISPLACED
        case OSError(errno=number) if number in _FULL:
            return FaultCode.JOURNAL_FULL
        case sqlite3.Error(sqlite_errorcode=int(code)) if code & 0xFF == sqlite3.SQLITE_FULL:
            return FaultCode.JOURNAL_FULL
        case _:
            return FaultCode.JOURNAL_FAILED
