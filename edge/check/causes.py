"""Why the system refuses a folder or a file, as an entry of texts.toml's mends: one mend for one cause."""

from __future__ import annotations

import errno
from pathlib import Path

from config.reading.files import NOT_YOURS, owner_of

_MENDS = {
    errno.ENOENT: "missing",
    errno.ENOTDIR: "missing",
    errno.ENOSPC: "full",
    errno.EDQUOT: "full",
    errno.EROFS: "read_only",
    errno.EIO: "broken",
}


def mend_for(error: OSError, path: Path) -> tuple[str, dict[str, str]]:
    """Name the mend of what was refused at `path`, and what fills its places; no name for other causes."""
    if error.errno in NOT_YOURS:
        owner = owner_of(path)
        return ("not_yours", {"owner": owner}) if owner else ("rights", {})
    return _MENDS.get(error.errno or 0, ""), {}
