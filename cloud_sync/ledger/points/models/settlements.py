"""The settlement of each visit, the rules behind it, and the points that each station brought."""

from __future__ import annotations

from django.db import models
from django.db.models import CheckConstraint, F, Index, Q, UniqueConstraint

from cloud_sync.ledger.points.models.holders import Household
from cloud_sync.ledger.stations.models import Community, Event, Station
from cloud_sync.rules.award_rules import HeldBy, LoweredBy


class Timed(models.TextChoices):
    """How the ledger knows when a visit was."""

    STATED = "stated"
    """The station's clock could be trusted."""
    MENDED = "mended"
    """Computed from a trusted stamp of the same boot."""
    BOUNDED = "bounded"
    """Between its neighbours and the receipt, on the day where it earns most."""
    DOUBTED = "doubted"
    """Not yet known: the ledger's clock is in doubt. The day is a guess, and nothing counts to it."""


class Withdrawn(models.TextChoices):
    """Why held points were not given."""

    EXPIRED = "expired"
    """Nobody registered the card in time."""
    REFUSED = "refused"
    """A person decided so."""


class VisitSettlement(models.Model):
    """The settlement of one visit: settled + held + lowered = provisional."""

    event = models.OneToOneField(Event, models.PROTECT, related_name="settlement", primary_key=True)
    community = models.ForeignKey(Community, models.PROTECT, related_name="settlements", db_index=False)
    card_hash = models.CharField(max_length=64)
    household = models.ForeignKey(
        Household, models.PROTECT, related_name="settlements", null=True, db_index=False
    )
    happened_at = models.DateTimeField()
    local_day = models.DateField()
    """The community's calendar day of `happened_at`; daily caps count by it."""
    provisional = models.BigIntegerField()
    settled = models.BigIntegerField()
    held = models.BigIntegerField()
    lowered = models.BigIntegerField()
    lowered_by = models.CharField(
        max_length=16, blank=True, default="", choices=[(reason.value, reason.value) for reason in LoweredBy]
    )
    held_by = models.CharField(
        max_length=16, blank=True, default="", choices=[(reason.value, reason.value) for reason in HeldBy]
    )
    counted = models.IntegerField()
    """Deposits that count against the daily limit of deposits."""
    timed = models.CharField(max_length=8, choices=Timed, default=Timed.STATED)
    held_since = models.DateTimeField(null=True)
    """When the wait began; null once nothing is held."""
    held_at_s = models.BigIntegerField(default=0)
    """The community's `ran_s` when the wait began."""
    withdrawn = models.BigIntegerField(default=0)
    """The part of `lowered` that was held before."""
    withdrawn_by = models.CharField(max_length=16, blank=True, default="", choices=Withdrawn)

    class Meta:
        constraints = [
            CheckConstraint(
                condition=Q(provisional=F("settled") + F("held") + F("lowered")), name="settlement_adds_up"
            ),
            CheckConstraint(
                condition=Q(settled__gte=0, held__gte=0, lowered__gte=0, counted__gte=0),
                name="settlement_not_negative",
            ),
            CheckConstraint(
                condition=Q(lowered=F("withdrawn"), lowered_by="")
                | (Q(lowered__gt=F("withdrawn")) & ~Q(lowered_by="")),
                name="settlement_lowered_for_a_reason",
            ),
            CheckConstraint(
                condition=Q(withdrawn=0, withdrawn_by="") | (Q(withdrawn__gt=0) & ~Q(withdrawn_by="")),
                name="settlement_withdrawn_for_a_reason",
            ),
            CheckConstraint(
                condition=Q(held=0, held_by="", held_since__isnull=True)
                | (Q(held__gt=0, held_since__isnull=False) & ~Q(held_by="")),
                name="settlement_held_for_a_reason",
            ),
            CheckConstraint(
                condition=Q(settled=0) | Q(household__isnull=False), name="settlement_to_a_household"
            ),
            CheckConstraint(
                condition=~Q(timed="doubted") | Q(settled=0, counted=0),
                name="settlement_in_doubt_not_counted",
            ),
        ]
        indexes = [
            # Covers everything that a day's tally adds up; settling reads nothing else of these rows.
            Index(
                fields=["household", "local_day", "settled", "held", "counted"],
                name="settlement_tally_of_household",
            ),
            # Nearly all visits are of bound cards and are in neither of these two.
            Index(
                fields=["community", "card_hash", "local_day"],
                condition=Q(household__isnull=True),
                name="settlement_of_unbound_card",
            ),
            Index(
                fields=["community", "held_since"],
                condition=Q(held_since__isnull=False),
                name="settlement_that_waits",
            ),
            Index(
                fields=["community"],
                condition=Q(timed="doubted", withdrawn=0),
                name="settlement_to_be_dated",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.settled} of {self.provisional}"


class Rules(models.Model):
    """One version of the award rules; it never changes once stored."""

    community = models.ForeignKey(Community, models.PROTECT, related_name="rules", db_index=False)
    version = models.BigIntegerField()
    body = models.BinaryField()
    """`cloud_sync.rules.award_rules.AwardRules` as JSON."""

    class Meta:
        constraints = [UniqueConstraint(fields=["community", "version"], name="rules_version_in_community")]
        verbose_name_plural = "rules"

    def __str__(self) -> str:
        return f"version {self.version}"


class Minted(models.Model):
    """Points that one station brought in a day without a person's decision."""

    station = models.ForeignKey(Station, models.PROTECT, related_name="minted", db_index=False)
    day = models.DateField()
    points = models.BigIntegerField()

    class Meta:
        constraints = [
            UniqueConstraint(fields=["station", "day"], name="minted_of_station_and_day"),
            CheckConstraint(condition=Q(points__gte=0), name="minted_not_negative"),
        ]

    def __str__(self) -> str:
        return f"{self.points} on {self.day}"
