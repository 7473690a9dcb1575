"""What households owe after corrections."""

from __future__ import annotations

from django.db import models
from django.db.models import CheckConstraint, F, Index, Q, UniqueConstraint

from cloud_sync.ledger.points.models.holders import Household
from cloud_sync.ledger.points.models.transfers import Decision, Transfer


class Debt(models.Model):
    """Points that a correction could not take because they were spent: paid by later awards, or forgiven."""

    household = models.ForeignKey(Household, models.PROTECT, related_name="debts", db_index=False)
    reverses = models.OneToOneField(Transfer, models.PROTECT, related_name="debt")
    """The transfer whose correction left this debt."""
    points = models.BigIntegerField()
    left = models.BigIntegerField()
    """Points still owed; never more than `points`, never below zero."""
    forgiven = models.BigIntegerField(default=0)
    created_at = models.DateTimeField()
    decision = models.ForeignKey(Decision, models.PROTECT, related_name="debts", db_index=False)
    forgiveness = models.OneToOneField(Decision, models.PROTECT, related_name="forgiven_debt", null=True)

    class Meta:
        constraints = [
            CheckConstraint(
                condition=Q(points__gt=0, left__gte=0, forgiven__gte=0), name="debt_not_negative"
            ),
            CheckConstraint(
                condition=Q(left__lte=F("points") - F("forgiven")), name="debt_within_its_points"
            ),
            CheckConstraint(
                condition=Q(forgiven=0, forgiveness__isnull=True)
                | Q(forgiven__gt=0, left=0, forgiveness__isnull=False),
                name="debt_forgiven_by_someone",
            ),
        ]
        indexes = [
            Index(fields=["household", "id"], name="debt_of_household"),
            Index(fields=["left"], condition=Q(left__gt=0), name="debt_still_open"),
        ]

    def __str__(self) -> str:
        return f"{self.left} of {self.points} owed"


class DebtPart(models.Model):
    """What one offset paid of one debt."""

    debt = models.ForeignKey(Debt, models.PROTECT, related_name="parts", db_index=False)
    transfer = models.ForeignKey(Transfer, models.PROTECT, related_name="parts", db_index=False)
    points = models.BigIntegerField()

    class Meta:
        constraints = [
            UniqueConstraint(fields=["debt", "transfer"], name="debt_part_once"),
            CheckConstraint(condition=Q(points__gt=0), name="debt_part_of_something"),
        ]

    def __str__(self) -> str:
        return f"{self.points} of a debt"
