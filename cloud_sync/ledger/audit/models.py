"""What people changed. Rows are only added; an erasure may empty the values of one household."""

from __future__ import annotations

from django.db import models
from django.db.models import CheckConstraint, Index, Q

from cloud_sync.ledger.stations.models import Community

MAX_BY, MAX_REASON, MAX_THING, MAX_DEED = 64, 200, 96, 32


class AuditEntry(models.Model):
    """One deed of a person, or of a command: who, when, why, on what, and the values before and after."""

    at = models.DateTimeField()
    by = models.CharField(max_length=MAX_BY)
    reason = models.CharField(max_length=MAX_REASON)
    deed = models.CharField(max_length=MAX_DEED)
    """A value of `officers.rights.Deed`."""
    community = models.ForeignKey(Community, models.PROTECT, related_name="+", null=True, db_index=False)
    """None for what concerns the whole town."""
    thing = models.CharField(max_length=MAX_THING)
    """Table and primary key of the row, such as `stations_station/3`."""
    before = models.BinaryField()
    """JSON, the values that changed; an empty object for a new row."""
    after = models.BinaryField()

    class Meta:
        constraints = [
            CheckConstraint(
                condition=~Q(by="") & ~Q(reason="") & ~Q(deed="") & ~Q(thing=""),
                name="audit_by_someone_for_a_reason",
            )
        ]
        indexes = [
            Index(fields=["community", "-id"], name="audit_of_a_community"),
            Index(fields=["by", "-id"], name="audit_of_an_officer"),
            Index(fields=["deed", "-id"], name="audit_of_a_deed"),
            Index(fields=["thing"], name="audit_of_a_thing"),
        ]

    def __str__(self) -> str:
        return f"{self.by}: {self.deed} {self.thing}"
