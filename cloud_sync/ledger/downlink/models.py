"""The version of each thing that a community publishes, and the last changes of its roster."""

from __future__ import annotations

from django.db import models
from django.db.models import CheckConstraint, Index, Q, UniqueConstraint

from cloud_sync.ledger.stations.models import Community


class Published(models.Model):
    """The present version of one kind in one community; it only grows."""

    community = models.ForeignKey(Community, models.PROTECT, related_name="published", db_index=False)
    kind = models.CharField(max_length=16)
    version = models.BigIntegerField()
    log_from = models.BigIntegerField()
    """The oldest version that the log of changes leads from."""

    class Meta:
        constraints = [
            UniqueConstraint(fields=["community", "kind"], name="published_once"),
            CheckConstraint(condition=Q(version__gte=1) & Q(log_from__gte=1), name="published_from_one"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.version}"


class RosterChange(models.Model):
    """A card whose standing changed with this version; `standing` 0: it left the roster."""

    community = models.ForeignKey(Community, models.PROTECT, related_name="+", db_index=False)
    version = models.BigIntegerField()
    card = models.CharField(max_length=64)
    standing = models.SmallIntegerField()

    class Meta:
        indexes = [Index(fields=["community", "version"], name="roster_change_by_version")]

    def __str__(self) -> str:
        return f"{self.version}: {self.card[:12]}"
