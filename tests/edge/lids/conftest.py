"""The keeper's tests stand on the same site as a whole station's."""

from __future__ import annotations

from tests.station.conftest import site

__all__ = ["site"]
