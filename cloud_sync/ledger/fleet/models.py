"""What stations say of themselves: the last words of each, readings of a year, and their alarms.

Words and readings are not signed: a station's rights at the broker are all that says who sent them. So they
inform people and decide nothing. Alarms come in signed batches.
"""

from __future__ import annotations

from django.db import models
from django.db.models import CheckConstraint, Index, Q, UniqueConstraint

from cloud_sync.ledger.stations.models import Community, Station


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
    gone_at = models.DateTimeField(null=True)
    """When the last words before its last silence came."""
    back_at = models.DateTimeField(null=True)
    """When that silence ended."""
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


class StationAlarm(models.Model):
    """A fault of a part of a station, or the silence of one or of many: one row, however often it comes.

    Who raised it clears it; a person acknowledges it for a time, or closes it.
    """

    key = models.CharField(max_length=200, unique=True)
    """What it is about: community, station, fault and part."""
    community = models.ForeignKey(Community, models.PROTECT, null=True, related_name="+")
    """None: the whole town's."""
    station = models.ForeignKey(Station, models.PROTECT, null=True, related_name="alarms")
    """None: a line's that many stations share."""
    fault = models.CharField(max_length=64)
    part = models.CharField(max_length=64, blank=True, default="")
    detail = models.CharField(max_length=200, blank=True, default="")
    raised = models.BooleanField()
    times = models.BigIntegerField(default=0)
    """How often it opened."""
    first_at = models.DateTimeField()
    last_at = models.DateTimeField()
    """When it opened last."""
    cleared_at = models.DateTimeField(null=True)
    cleared_by = models.CharField(max_length=64, blank=True, default="")
    epoch = models.CharField(max_length=16, blank=True, default="")
    """Where the station wrote the last fact (`order.Written`); empty for what the ledger itself raises."""
    sequence = models.BigIntegerField(default=0)
    boot = models.CharField(max_length=64, blank=True, default="")
    monotonic_s = models.FloatField(default=0.0)
    wall_s = models.FloatField(null=True)
    acknowledged_by = models.CharField(max_length=64, blank=True, default="")
    acknowledged_until = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            CheckConstraint(
                condition=Q(raised=True, cleared_at__isnull=True, cleared_by="")
                | (Q(raised=False, cleared_at__isnull=False) & ~Q(cleared_by="")),
                name="station_alarm_cleared_by_someone",
            ),
            CheckConstraint(
                condition=Q(acknowledged_by="", acknowledged_until__isnull=True)
                | (~Q(acknowledged_by="") & Q(acknowledged_until__isnull=False)),
                name="station_alarm_acknowledged_until",
            ),
        ]
        indexes = [Index(fields=["community"], name="station_alarm_open", condition=Q(raised=True))]

    def __str__(self) -> str:
        return f"{self.key} ({self.times})"


class ChangeKind(models.TextChoices):
    """What happened to an alarm."""

    RAISED = "raised"
    CLEARED = "cleared"
    ACKNOWLEDGED = "acknowledged"
    CLOSED = "closed"


class AlarmChange(models.Model):
    """One line of an alarm's history."""

    alarm = models.ForeignKey(StationAlarm, models.PROTECT, related_name="changes")
    at = models.DateTimeField()
    kind = models.CharField(max_length=12, choices=ChangeKind)
    by = models.CharField(max_length=64)
    """Who: a person's name, or one of `alarms.BY`."""
    until = models.DateTimeField(null=True)
    """Of an acknowledgement: when it ends."""
    reason = models.CharField(max_length=200, blank=True, default="")

    class Meta:
        constraints = [CheckConstraint(condition=~Q(by=""), name="alarm_change_by_someone")]
        indexes = [Index(fields=["kind", "at"], name="alarm_change_by_time")]

    def __str__(self) -> str:
        return f"{self.kind} by {self.by}"


class Maintenance(models.Model):
    """A time in which a station's alarms are silent because people work at it."""

    station = models.ForeignKey(Station, models.PROTECT, related_name="maintenances")
    since = models.DateTimeField()
    until = models.DateTimeField()
    by = models.CharField(max_length=64)
    reason = models.CharField(max_length=200)
    ended_at = models.DateTimeField(null=True)
    ended_by = models.CharField(max_length=64, blank=True, default="")
    """Who ended it before its hour; another maintenance ends it too."""

    class Meta:
        constraints = [
            UniqueConstraint(fields=["station"], condition=Q(ended_at__isnull=True), name="maintenance_once"),
            CheckConstraint(condition=~Q(by="") & ~Q(reason=""), name="maintenance_by_someone"),
            CheckConstraint(condition=Q(until__gt=models.F("since")), name="maintenance_has_an_end"),
        ]

    def __str__(self) -> str:
        return f"{self.station_id} until {self.until}"
