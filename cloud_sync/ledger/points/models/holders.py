"""Who holds points: households with their cards, and the accounts."""

from __future__ import annotations

from django.db import models
from django.db.models import CheckConstraint, Q, UniqueConstraint
from django.db.models.functions import Length
from django.db.models.lookups import LessThanOrEqual

from cloud_sync.ledger.stations.models import Community

MAX_CODE, MAX_NAME = 32, 64
"""Letters of a household's code and name."""


class Household(models.Model):
    """Who earns: the people behind one door, under the code that the community's office uses."""

    community = models.ForeignKey(Community, models.PROTECT, related_name="households", db_index=False)
    code = models.CharField(max_length=MAX_CODE)
    name = models.CharField(max_length=MAX_NAME, blank=True, default="")
    salt = models.BinaryField(default=b"")
    """Random bytes in every seal of this row, so that a seal tells nothing once they are gone."""
    links_ended = models.PositiveIntegerField(default=0)
    """How often its statement's links were taken back; only links made since then open it."""
    links_ended_by = models.ForeignKey("points.Decision", models.PROTECT, related_name="+", null=True)

    class Meta:
        constraints = [
            UniqueConstraint(fields=["community", "code"], name="household_code_in_community"),
            # SQLite itself does not look at the length of a text.
            CheckConstraint(
                condition=LessThanOrEqual(Length("code"), MAX_CODE)
                & LessThanOrEqual(Length("name"), MAX_NAME),
                name="household_texts_fit",
            ),
        ]

    def __str__(self) -> str:
        return self.code


class CardStatus(models.TextChoices):
    """Whether a card may open lids."""

    ACTIVE = "active"
    BLOCKED = "blocked"


class CardRole(models.TextChoices):
    """Whose card it is; staff earn nothing."""

    RESIDENT = "resident"
    STAFF = "staff"


class Card(models.Model):
    """A card by its pseudonym. One without a household was seen at a station and waits to be bound."""

    community = models.ForeignKey(Community, models.PROTECT, related_name="cards", db_index=False)
    hash = models.CharField(max_length=64)
    household = models.ForeignKey(Household, models.PROTECT, related_name="cards", null=True)
    status = models.CharField(max_length=8, choices=CardStatus, default=CardStatus.ACTIVE)
    role = models.CharField(max_length=8, choices=CardRole, default=CardRole.RESIDENT)
    suspected_at = models.DateTimeField(null=True)
    """Since when signs of cheating make its points wait for a person."""
    salt = models.BinaryField(default=b"")
    """As a household's; empty until the card's first record."""

    class Meta:
        constraints = [UniqueConstraint(fields=["community", "hash"], name="card_hash_in_community")]

    def __str__(self) -> str:
        return self.hash[:12]


class AccountKind(models.TextChoices):
    """What an account is for. Only an issuing account may owe."""

    ISSUING = "issuing"
    SUSPENSE = "suspense"
    HOUSEHOLD = "household"


class Account(models.Model):
    """A holder of points. `balance` is what came in less what went out, kept with every transfer."""

    community = models.ForeignKey(Community, models.PROTECT, related_name="accounts")
    kind = models.CharField(max_length=9, choices=AccountKind)
    household = models.OneToOneField(Household, models.PROTECT, related_name="account", null=True)
    balance = models.BigIntegerField(default=0)
    opened_at = models.DateTimeField(null=True)
    """When a household's was opened; not known of one that an older ledger opened."""

    class Meta:
        constraints = [
            UniqueConstraint(
                fields=["community", "kind"],
                condition=Q(kind__in=[AccountKind.ISSUING, AccountKind.SUSPENSE]),
                name="account_one_of_a_kind",
            ),
            CheckConstraint(
                condition=Q(kind=AccountKind.HOUSEHOLD, household__isnull=False)
                | (~Q(kind=AccountKind.HOUSEHOLD) & Q(household__isnull=True)),
                name="account_of_a_household",
            ),
            CheckConstraint(
                condition=Q(kind=AccountKind.ISSUING) | Q(balance__gte=0),
                name="account_not_below_zero",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.household or self.community}"
