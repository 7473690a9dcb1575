"""Tokens of programs that read over the API; the secret itself is never stored."""

from __future__ import annotations

from django.db import models
from django.db.models import CheckConstraint, Q

from cloud_sync.ledger.stations.models import Community


class Token(models.Model):
    """What one program may read, in one community or in the town, until when; by whom and why it was made."""

    key = models.CharField(max_length=16, unique=True)
    """The part of the token that names it; not secret."""
    digest = models.CharField(max_length=64)
    """SHA-256 of the secret, hex: it has 256 random bits, so nobody finds it from this."""
    label = models.CharField(max_length=64)
    """What uses it."""
    scopes = models.CharField(max_length=64)
    """What it may read, separated by spaces; see `register.TokenScope`."""
    community = models.ForeignKey(Community, models.PROTECT, null=True, related_name="+")
    """None: every community of the town."""
    made_at = models.DateTimeField()
    ends_at = models.DateTimeField()
    by = models.CharField(max_length=64)
    reason = models.CharField(max_length=200)
    revoked_at = models.DateTimeField(null=True)
    revoked_by = models.CharField(max_length=64, blank=True, default="")
    revoked_why = models.CharField(max_length=200, blank=True, default="")
    used_at = models.DateTimeField(null=True)
    """When it was last used, to a few minutes."""

    class Meta:
        constraints = [
            CheckConstraint(condition=~Q(by="") & ~Q(reason="") & ~Q(scopes=""), name="token_by_someone"),
            CheckConstraint(condition=Q(ends_at__gt=models.F("made_at")), name="token_has_an_end"),
            CheckConstraint(
                condition=Q(revoked_at__isnull=True, revoked_by="", revoked_why="")
                | (Q(revoked_at__isnull=False) & ~Q(revoked_by="") & ~Q(revoked_why="")),
                name="token_revoked_by_someone",
            ),
        ]

    def __str__(self) -> str:
        return f"token {self.key}"
