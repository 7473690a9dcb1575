"""Who holds points: households with their cards, and the accounts."""

from __future__ import annotations

from django.db import models
from django.db.models import CheckConstraint, Q, UniqueConstraint
from django.db.models.functions import Length
from django.db.models.lookups import LessThanOrEqual

from cloud_sync.ledger.stations.models import Community

MAX_CODE, MAX_NAME = 32, 64
"""Longest code and name of a household, in characters."""


class Household(models.Model):
    """The people behind one door, who earn points together; `code` is what the community's office uses."""

    community = models.ForeignKey(Community, models.PROTECT, related_name="households", db_index=False)
    code = models.CharField(max_length=MAX_CODE)
    name = models.CharField(max_length=MAX_NAME, blank=True, default="")
    salt = models.BinaryField(default=b"")
    """Random bytes in every seal of this row; once they are erased, a seal reveals nothing."""
    links_ended = models.PositiveIntegerField(default=0)
    """How often the links to its statement were revoked; only links made since then work."""
    links_ended_by = models.ForeignKey("points.Decision", models.PROTECT, related_name="+", null=True)

    class Meta:
        constraints = [
            UniqueConstraint(fields=["community", "code"], name="household_code_in_community"),
            # SQLite does not check the length of a text.
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
    """Whether a card is a resident's or a staff member's; staff earn nothing."""

    RESIDENT = "resident"
    STAFF = "staff"


class Card(models.Model):
    """A card by its pseudonym. A card without a household was seen at a station and is not bound yet."""

    community = models.ForeignKey(Community, models.PROTECT, related_name="cards", db_index=False)
    hash = models.CharField(max_length=64)
    household = models.ForeignKey(Household, models.PROTECT, related_name="cards", null=True)
    status = models.CharField(max_length=8, choices=CardStatus, default=CardStatus.ACTIVE)
    role = models.CharField(max_length=8, choices=CardRole, default=CardRole.RESIDENT)
    suspected_at = models.DateTimeField(null=True)
    """When signs of cheating were found; since then its points wait for a person."""
    salt = models.BinaryField(default=b"")
    """As for a household; empty until the card's first record."""

    class Meta:
        constraints = [UniqueConstraint(fields=["community", "hash"], name="card_hash_in_community")]

    def __str__(self) -> str:
        return self.hash[:12]


class AccountKind(models.TextChoices):
    """What an account is for. Only an issuing account may be below zero."""

    ISSUING = "issuing"
    SUSPENSE = "suspense"
    HOUSEHOLD = "household"


class Account(models.Model):
    """A holder of points. `balance` is points in minus points out, updated with every transfer."""

    community = models.ForeignKey(Community, models.PROTECT, related_name="accounts")
    kind = models.CharField(max_length=9, choices=AccountKind)
    household = models.OneToOneField(Household, models.PROTECT, related_name="account", null=True)
    balance = models.BigIntegerField(default=0)
    opened_at = models.DateTimeField(null=True)
    """When a household's account was opened; null if an older version opened it."""

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
