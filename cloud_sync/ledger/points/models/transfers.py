"""Transfers, the chain over them, and the decisions of people behind some of them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar, Never

from django.db import models
from django.db.models import CheckConstraint, F, Index, Q, UniqueConstraint

from cloud_sync.ledger.points.models.holders import Account, Household
from cloud_sync.ledger.stations.models import Community, Event


class ImmutableError(TypeError):
    """An attempt to change or remove a stored transfer; correct it with a new transfer instead."""


class TransferQuerySet(models.QuerySet["Transfer"]):
    """Transfers can only be added and read."""

    def update(self, **_fields: object) -> Never:
        """Refuse."""
        raise ImmutableError("a transfer cannot be changed")

    def delete(self) -> Never:
        """Refuse."""
        raise ImmutableError("a transfer cannot be removed")


class Decision(models.Model):
    """A person's decision about points, and why; it never changes."""

    community = models.ForeignKey(Community, models.PROTECT, related_name="decisions", db_index=False)
    by = models.CharField(max_length=64)
    reason = models.CharField(max_length=200)
    decided_at = models.DateTimeField()

    class Meta:
        constraints = [
            CheckConstraint(condition=~Q(by="") & ~Q(reason=""), name="decision_by_someone_for_a_reason")
        ]

    def __str__(self) -> str:
        return f"{self.by}: {self.reason}"


class ChainHead(models.Model):
    """The end of a community's chain. Code that posts transfers locks this row first."""

    community = models.OneToOneField(Community, models.PROTECT, related_name="chain_head", primary_key=True)
    position = models.BigIntegerField(default=0)
    chain = models.BinaryField(default=b"")
    """The link of the transfer at `position`; empty before the first."""
    records = models.BigIntegerField(default=0)
    """The position of the register's last record."""
    records_chain = models.BinaryField(default=b"")
    """That record's link; empty before the first."""
    ran_s = models.BigIntegerField(default=0)
    """Total seconds that workers have run for this community; waits are measured by it."""
    noted_at = models.DateTimeField(null=True)
    """When `ran_s` was last updated, by the worker's clock."""
    believed_at = models.DateTimeField(null=True)
    """The newest trusted time of the community's stations when the ledger's clock was last believed."""
    key_shift = models.BigIntegerField(default=0)
    """Subtracted from every primary key that the chain or the register names; 0 if the community began here.

    So both chains stay as they were when a community moves to a ledger whose keys are taken.
    """
    moved_out = models.BooleanField(default=False)
    """Whether the community has moved to another ledger: nothing of it changes here any more."""

    class Meta:
        constraints = [
            CheckConstraint(condition=Q(position__gte=0, records__gte=0), name="chain_position_not_negative")
        ]

    def __str__(self) -> str:
        return f"{self.community} at {self.position}"


class Transfer(models.Model):
    """Points from `debit` to `credit`, written once. Its event and its purpose identify it.

    `position` counts a community's transfers 1, 2, 3 … in the order of posting; `chain` is the SHA-256 of
    the previous link and this row (`chain.chain`).
    """

    community = models.ForeignKey(Community, models.PROTECT, related_name="transfers", db_index=False)
    position = models.BigIntegerField()
    debit = models.ForeignKey(Account, models.PROTECT, related_name="debits", db_index=False)
    credit = models.ForeignKey(Account, models.PROTECT, related_name="credits", db_index=False)
    points = models.BigIntegerField()
    event = models.ForeignKey(Event, models.PROTECT, related_name="transfers", db_index=False)
    purpose = models.CharField(max_length=16)
    created_at = models.DateTimeField()
    chain = models.BinaryField()
    household = models.ForeignKey(
        Household, models.PROTECT, related_name="movements", null=True, db_index=False
    )
    """The household whose statement shows it as a separate line, beside the visits."""
    reverses = models.ForeignKey(
        "self", models.PROTECT, related_name="reversed_by", null=True, db_index=False
    )
    decision = models.ForeignKey(
        Decision, models.PROTECT, related_name="transfers", null=True, db_index=False
    )

    objects: ClassVar[models.Manager[Transfer]] = TransferQuerySet.as_manager()

    class Meta:
        constraints = [
            UniqueConstraint(fields=["event", "purpose"], name="transfer_once_for_a_purpose"),
            UniqueConstraint(fields=["community", "position"], name="transfer_one_at_a_position"),
            UniqueConstraint(
                fields=["reverses"], condition=Q(reverses__isnull=False), name="transfer_reversed_once"
            ),
            CheckConstraint(condition=Q(points__gt=0), name="transfer_of_something"),
            CheckConstraint(condition=~Q(debit=F("credit")), name="transfer_between_two"),
            CheckConstraint(condition=Q(position__gte=1), name="transfer_position_from_one"),
        ]
        indexes = [
            # Awards, which are nearly all rows, are not in it.
            Index(
                fields=["household"],
                condition=Q(household__isnull=False),
                name="transfer_of_household",
            ),
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
        """Refuse."""
        raise ImmutableError("a transfer cannot be removed")
