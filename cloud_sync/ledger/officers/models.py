"""The roles that officers were given, and attempts to sign in. The officers themselves are Django's users."""

from __future__ import annotations

from django.contrib.auth.models import User
from django.db import models
from django.db.models import CheckConstraint, Index, Q, UniqueConstraint

from cloud_sync.ledger.officers.rights import OfficerRole
from cloud_sync.ledger.stations.models import Community

_ROLES = [role.value for role in OfficerRole]


class Grant(models.Model):
    """A role that a person gave an officer, for one community or for the whole town.

    It may be ended; a row is never removed, and nothing else of it changes.
    """

    officer = models.ForeignKey(User, models.PROTECT, related_name="grants", db_index=False)
    role = models.CharField(max_length=16, choices=[(role, role) for role in _ROLES])
    community = models.ForeignKey(Community, models.PROTECT, related_name="grants", null=True, db_index=False)
    """None for the whole town."""
    since = models.DateTimeField()
    by = models.CharField(max_length=64)
    reason = models.CharField(max_length=200)
    until = models.DateTimeField(null=True)
    """When it was ended."""
    ended_by = models.CharField(max_length=64, blank=True, default="")
    ended_reason = models.CharField(max_length=200, blank=True, default="")

    class Meta:
        constraints = [
            UniqueConstraint(
                fields=["officer", "role", "community"],
                condition=Q(until__isnull=True, community__isnull=False),
                name="grant_once_in_a_community",
            ),
            UniqueConstraint(
                fields=["officer", "role"],
                condition=Q(until__isnull=True, community__isnull=True),
                name="grant_once_in_the_town",
            ),
            CheckConstraint(condition=Q(role__in=_ROLES), name="grant_of_a_role"),
            CheckConstraint(condition=~Q(by="") & ~Q(reason=""), name="grant_by_someone_for_a_reason"),
            CheckConstraint(
                condition=Q(until__isnull=True, ended_by="", ended_reason="")
                | (Q(until__isnull=False) & ~Q(ended_by="") & ~Q(ended_reason="")),
                name="grant_ended_by_someone_for_a_reason",
            ),
        ]
        indexes = [Index(fields=["officer"], condition=Q(until__isnull=True), name="grant_in_force")]

    def __str__(self) -> str:
        return f"{self.role} of {self.community or 'the town'}"

    def as_json(self) -> dict[str, object]:
        """Return the values for a script."""
        return {
            "role": self.role,
            "community": str(self.community) if self.community else None,
            "since": self.since.isoformat(timespec="seconds"),
            "by": self.by,
            "reason": self.reason,
        }


class SignInAttempts(models.Model):
    """How often an account was tried lately, by a keyed hash of its name."""

    account = models.CharField(max_length=64, unique=True)
    count = models.IntegerField()
    last_at = models.DateTimeField(db_index=True)
    next_at = models.DateTimeField()
    """No attempt is admitted before."""

    class Meta:
        constraints = [CheckConstraint(condition=Q(count__gte=0), name="attempts_not_negative")]

    def __str__(self) -> str:
        return f"{self.count} attempts"
