"""sqlite-utils without numpy and pandas: it loads them where they are installed, and nothing here needs them.

A station's process would be twice as large with numpy, which only the eye uses.
"""

from __future__ import annotations

import sys

__all__ = ["Database"]

_HIDDEN = [name for name in ("numpy", "pandas") if name not in sys.modules]
for _name in _HIDDEN:
    sys.modules[_name] = None  # type: ignore[assignment]  # an import of it fails, as if it were not installed
try:
    from sqlite_utils import Database
finally:
    for _name in _HIDDEN:
        del sys.modules[_name]
