"""Maps an OSError of a folder or file to its fix in texts.toml: one fix for each cause."""

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
    """Return the name of the fix for an error at `path` and the values of its places; "" for other causes."""
    if error.errno in NOT_YOURS:
        owner = owner_of(path)
        return ("not_yours", {"owner": owner}) if owner else ("rights", {})
    return _MENDS.get(error.errno or 0, ""), {}
