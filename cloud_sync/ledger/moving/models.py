"""Communities that left this ledger, and those that came from another one: who decided it, and both heads."""

from __future__ import annotations

from django.db import models
from django.db.models import CheckConstraint, Q, UniqueConstraint

from cloud_sync.ledger.stations.models import Community

MAX_TO = 200
"""Letters of what says where a community went."""


class Heads(models.Model):
    """The ends of both chains at the move."""

    number = models.CharField(max_length=32, unique=True)
    """Of this move, 32 random hex digits; the file names it."""
    position = models.BigIntegerField()
    chain = models.BinaryField()
    records = models.BigIntegerField()
    records_chain = models.BinaryField()
    by = models.CharField(max_length=64)
    reason = models.CharField(max_length=200)

    class Meta:
        abstract = True

    @property
    def shown(self) -> dict[str, object]:
        """The heads as a script reads them."""
        return {
            "position": self.position,
            "chain": bytes(self.chain).hex(),
            "records": self.records,
            "records_chain": bytes(self.records_chain).hex(),
        }


class Departure(Heads):
    """A community that was closed here to be taken in by another ledger.

    It may be taken back until that ledger has confirmed it; a row is never removed.
    """

    community = models.ForeignKey(Community, models.PROTECT, related_name="departures", db_index=False)
    to = models.CharField(max_length=MAX_TO)
    """Where it went, for people: the other ledger's address."""
    to_key = models.CharField(max_length=64)
    """The other ledger's public key, hex; no other ledger takes the file."""
    left_at = models.DateTimeField()
    confirmed_at = models.DateTimeField(null=True)
    """When it was shown that the other ledger has it."""
    ended_at = models.DateTimeField(null=True)
    """When it was taken back."""
    ended_by = models.CharField(max_length=64, blank=True, default="")
    ended_reason = models.CharField(max_length=200, blank=True, default="")

    class Meta:
        constraints = [
            UniqueConstraint(
                fields=["community"], condition=Q(ended_at__isnull=True), name="departure_once_at_a_time"
            ),
            CheckConstraint(condition=~Q(by="") & ~Q(reason=""), name="departure_by_someone_for_a_reason"),
            CheckConstraint(
                condition=Q(ended_at__isnull=True, ended_by="", ended_reason="")
                | (
                    Q(ended_at__isnull=False, confirmed_at__isnull=True)
                    & ~Q(ended_by="")
                    & ~Q(ended_reason="")
                ),
                name="departure_ended_by_someone_unconfirmed",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.community} to {self.to}"


class Arrival(Heads):
    """A community that came from another ledger, with the ends of its chains as they came."""

    community = models.OneToOneField(Community, models.PROTECT, related_name="arrival")
    from_key = models.CharField(max_length=64)
    """The other ledger's public key, hex."""
    came_at = models.DateTimeField()

    class Meta:
        constraints = [
            CheckConstraint(condition=~Q(by="") & ~Q(reason=""), name="arrival_by_someone_for_a_reason")
        ]

    def __str__(self) -> str:
        return f"{self.community} from the ledger {self.from_key[:16]}"
