"""What stations say of themselves: the last words of each, and readings of a year, thinned.

Nothing here is signed: a station's rights at the broker are all that says who sent it. So it informs people
and decides nothing.
"""

from __future__ import annotations

from django.db import models
from django.db.models import CheckConstraint, Index, Q, UniqueConstraint

from cloud_sync.ledger.stations.models import Station


class StationStatus(models.Model):
    """How one station is, by the message of the latest place (`order.Place`)."""

    station = models.OneToOneField(Station, models.PROTECT, primary_key=True, related_name="status")
    online = models.BooleanField()
    start = models.BigIntegerField()
    connection = models.BigIntegerField()
    sequence = models.BigIntegerField()
    heard_at = models.DateTimeField(null=True)
    """When its last words came, by the ledger's clock; unknown while only the broker's copy was seen."""
    ended_at = models.DateTimeField(null=True)
    """When it was said to be offline; None while it is online."""
    words = models.TextField()
    """Its last words while it was online: a `StationState` as JSON; empty if there were none."""
    outbox = models.BigIntegerField(null=True)
    skew_s = models.FloatField(null=True)
    """By how much its calendar was ahead of the ledger's when it last said its time."""
    read_at = models.DateTimeField(null=True)
    """When its last reading was kept."""

    class Meta:
        constraints = [
            CheckConstraint(
                condition=Q(online=True, ended_at__isnull=True) | Q(online=False, ended_at__isnull=False),
                name="status_ended_if_offline",
            )
        ]

    def __str__(self) -> str:
        return f"{self.station_id} {'online' if self.online else 'offline'}"


class Grain(models.TextChoices):
    """How long a reading is kept: it is the first of its day, of its hour, or of its ten minutes."""

    DAY = "day"
    HOUR = "hour"
    TEN = "ten"


class Reading(models.Model):
    """What a station said in one slot of ten minutes."""

    station = models.ForeignKey(Station, models.PROTECT, related_name="readings", db_index=False)
    slot = models.BigIntegerField()
    """Unix time in tens of minutes."""
    grain = models.CharField(max_length=4, choices=Grain)
    outbox = models.BigIntegerField(null=True)
    hottest_c = models.FloatField(null=True)
    lowest_v = models.FloatField(null=True)
    """The lowest supply of its controllers."""
    skew_s = models.FloatField(null=True)
    full = models.TextField(blank=True, default="")
    """Bins that were full, separated by spaces."""
    model = models.CharField(max_length=64, blank=True, default="")
    versions = models.TextField(blank=True, default="")
    """Name and version of what has one, as JSON."""

    class Meta:
        constraints = [UniqueConstraint(fields=["station", "slot"], name="reading_once")]
        indexes = [Index(fields=["grain", "slot"], name="reading_by_age")]

    def __str__(self) -> str:
        return f"{self.station_id} at {self.slot}"
