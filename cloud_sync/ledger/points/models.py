"""Double entry in whole points. What must never happen is forbidden by the database itself."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar, Never

from django.db import models
from django.db.models import CheckConstraint, F, Index, Q, UniqueConstraint

from cloud_sync.award_rules import HeldBy, LoweredBy
from cloud_sync.ledger.stations.models import Community, Event


class Household(models.Model):
    """Who earns: the people behind one door, under the code that the community's office uses."""

    community = models.ForeignKey(Community, models.PROTECT, related_name="households", db_index=False)
    code = models.CharField(max_length=32)
    name = models.CharField(max_length=64, blank=True, default="")

    class Meta:
        constraints = [UniqueConstraint(fields=["community", "code"], name="household_code_in_community")]

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


class ImmutableError(TypeError):
    """An attempt to change or remove what stands for ever; correct it with a new transfer instead."""


class TransferQuerySet(models.QuerySet["Transfer"]):
    """Transfers can be added and read."""

    def update(self, **_fields: object) -> Never:
        """Refused."""
        raise ImmutableError("a transfer cannot be changed")

    def delete(self) -> Never:
        """Refused."""
        raise ImmutableError("a transfer cannot be removed")


class Transfer(models.Model):
    """Points from `debit` to `credit`, written once. Its id comes from its event's id and its purpose."""

    id = models.CharField(max_length=64, primary_key=True)
    debit = models.ForeignKey(Account, models.PROTECT, related_name="debits")
    credit = models.ForeignKey(Account, models.PROTECT, related_name="credits")
    points = models.BigIntegerField()
    event = models.ForeignKey(Event, models.PROTECT, related_name="transfers", db_index=False)
    purpose = models.CharField(max_length=16)
    created_at = models.DateTimeField()
    reverses = models.OneToOneField("self", models.PROTECT, related_name="reversed_by", null=True)

    objects: ClassVar[models.Manager[Transfer]] = TransferQuerySet.as_manager()

    class Meta:
        constraints = [
            UniqueConstraint(fields=["event", "purpose"], name="transfer_once_for_a_purpose"),
            CheckConstraint(condition=Q(points__gt=0), name="transfer_of_something"),
            CheckConstraint(condition=~Q(debit=F("credit")), name="transfer_between_two"),
        ]

    def __str__(self) -> str:
        return f"{self.points} for {self.purpose}"

    def save(
        self,
        *,
        force_insert: bool | tuple[models.base.ModelBase, ...] = False,  # noqa: ARG002 (Django's signature)
        force_update: bool = False,
        using: str | None = None,
        update_fields: Iterable[str] | None = None,
    ) -> None:
        """Add a new transfer; ImmutableError for one that is stored."""
        if not self._state.adding or force_update or update_fields is not None:
            raise ImmutableError("a transfer cannot be changed")
        super().save(force_insert=True, using=using)

    def delete(self, *_args: object, **_kwargs: object) -> Never:
        """Refused."""
        raise ImmutableError("a transfer cannot be removed")


class VisitSettlement(models.Model):
    """The ledger's word on one visit: settled + held + lowered = provisional."""

    event = models.OneToOneField(Event, models.PROTECT, related_name="settlement", primary_key=True)
    community = models.ForeignKey(Community, models.PROTECT, related_name="settlements", db_index=False)
    card_hash = models.CharField(max_length=64)
    household = models.ForeignKey(
        Household, models.PROTECT, related_name="settlements", null=True, db_index=False
    )
    happened_at = models.DateTimeField()
    local_day = models.DateField()
    """The calendar day of `happened_at` where the community is: what daily caps count by."""
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
    """Deposits that count against the daily number."""

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
                condition=Q(lowered=0, lowered_by="") | (Q(lowered__gt=0) & ~Q(lowered_by="")),
                name="settlement_lowered_for_a_reason",
            ),
            CheckConstraint(
                condition=Q(held=0, held_by="") | (Q(held__gt=0) & ~Q(held_by="")),
                name="settlement_held_for_a_reason",
            ),
            CheckConstraint(
                condition=Q(settled=0) | Q(household__isnull=False), name="settlement_to_a_household"
            ),
        ]
        indexes = [
            Index(fields=["household", "local_day"], name="settlement_of_household"),
            Index(fields=["community", "card_hash", "local_day"], name="settlement_of_card"),
        ]

    def __str__(self) -> str:
        return f"{self.settled} of {self.provisional}"


class Rules(models.Model):
    """One version of the award rules; it never changes once it is here."""

    community = models.ForeignKey(Community, models.PROTECT, related_name="rules", db_index=False)
    version = models.BigIntegerField()
    body = models.BinaryField()
    """`cloud_sync.award_rules.AwardRules` as JSON."""

    class Meta:
        constraints = [UniqueConstraint(fields=["community", "version"], name="rules_version_in_community")]
        verbose_name_plural = "rules"

    def __str__(self) -> str:
        return f"version {self.version}"
