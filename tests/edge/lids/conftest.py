"""The keeper's tests use the same site as those of a whole station."""

from __future__ import annotations

from tests.station.conftest import site

__all__ = ["site"]
