"""Evidence that rows are as they were written: signed batches, and the register's records."""

from __future__ import annotations

from django.db import models
from django.db.models import CheckConstraint, Q, UniqueConstraint

from cloud_sync.ledger.stations.models import Community, Station


class SignedBatch(models.Model):
    """A station's signature over a batch; one row for each batch that brought something new.

    The signed bytes are rebuilt from the stored events, in the order of `holds`.
    """

    station = models.ForeignKey(Station, models.PROTECT, related_name="batches", db_index=False)
    key_id = models.CharField(max_length=16)
    signature = models.BinaryField()
    holds = models.BinaryField()
    """JSON: `[epoch, first, last]` for each run of sequences."""
    lost = models.BinaryField(default=b"")
    """JSON: the losses that the batch states; empty for none."""
    body = models.BinaryField(default=b"")
    """The signed bytes themselves, if they cannot be rebuilt from the stored events."""
    received_at = models.DateTimeField()

    class Meta:
        verbose_name_plural = "signed batches"

    def __str__(self) -> str:
        return f"batch {self.pk} by key {self.key_id}"


class Record(models.Model):
    """One record of a community's register: a row's new content, who changed it and why.

    `position` counts 1, 2, 3 …; `chain` is the SHA-256 of the previous link and this record.
    """

    community = models.ForeignKey(Community, models.PROTECT, related_name="records", db_index=False)
    position = models.BigIntegerField()
    kind = models.CharField(max_length=16)
    body = models.BinaryField()
    """JSON; `chain.records` says what each kind holds."""
    at = models.DateTimeField()
    chain = models.BinaryField()

    class Meta:
        constraints = [
            UniqueConstraint(fields=["community", "position"], name="record_one_at_a_position"),
            CheckConstraint(condition=Q(position__gte=1), name="record_position_from_one"),
        ]

    def __str__(self) -> str:
        return f"{self.position} {self.kind}"
