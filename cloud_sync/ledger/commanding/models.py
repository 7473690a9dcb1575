"""Commands to stations: who gave each, why, and what the station answered. A row is never removed."""

from __future__ import annotations

from django.db import models
from django.db.models import CheckConstraint, Index, Q, UniqueConstraint

from cloud_sync.ledger.stations.models import Station


class CommandState(models.TextChoices):
    """Where a command stands."""

    WAITING = "waiting"
    """No worker has sent it: the station's boot and uptime are not known yet."""
    SENT = "sent"
    ANSWERED = "answered"
    """The station did it, or tried; the answer says what a switch saw."""
    REFUSED = "refused"
    """By the station, or by the ledger before it was sent."""
    EXPIRED = "expired"
    """It did nothing in its time: not delivered, or too late at the station."""


OPEN = (CommandState.WAITING, CommandState.SENT)


class Command(models.Model):
    """One command of one officer to one station."""

    station = models.ForeignKey(Station, models.PROTECT, related_name="commands", db_index=False)
    order = models.CharField(max_length=32, unique=True)
    """Its id on the wire: 32 random hex digits."""
    form = models.CharField(max_length=64, unique=True)
    """Key of the form that made it: sent twice, a form makes one command."""
    verb = models.CharField(max_length=16)
    about = models.CharField(max_length=64, blank=True, default="")
    """The bin, part or prompt, if it has one."""
    issuer = models.CharField(max_length=64)
    reason = models.CharField(max_length=200)
    made_at = models.DateTimeField()
    boot = models.CharField(max_length=32, blank=True, default="")
    """The station's boot that it is for; empty until it is first sent."""
    not_after = models.FloatField(null=True)
    """The station's uptime after which it does nothing."""
    state = models.CharField(max_length=8, choices=CommandState, default=CommandState.WAITING)
    why = models.CharField(max_length=32, blank=True, default="")
    """Why it did not end as asked, in one word."""
    answer = models.TextField(blank=True, default="")
    """The station's answer as JSON; empty without one."""
    ended_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            UniqueConstraint(fields=["station", "order"], name="command_once_at_a_station"),
            CheckConstraint(condition=~Q(issuer="") & ~Q(reason=""), name="command_by_someone_for_a_reason"),
            CheckConstraint(condition=Q(state__in=CommandState.values), name="command_in_a_state"),
            CheckConstraint(
                condition=Q(boot="", not_after__isnull=True) | (~Q(boot="") & Q(not_after__isnull=False)),
                name="command_for_a_boot_until",
            ),
            CheckConstraint(
                condition=Q(state__in=OPEN, ended_at__isnull=True, answer="")
                | (~Q(state__in=OPEN) & Q(ended_at__isnull=False)),
                name="command_ended_or_open",
            ),
            CheckConstraint(
                condition=~Q(state=CommandState.SENT) | ~Q(boot=""), name="command_sent_to_a_boot"
            ),
            CheckConstraint(
                condition=~Q(state=CommandState.ANSWERED) | ~Q(answer=""), name="command_answered_by_it"
            ),
        ]
        indexes = [
            Index(fields=["made_at"], condition=Q(state__in=OPEN), name="command_open"),
            Index(fields=["station", "-made_at"], name="command_of_a_station"),
        ]

    def __str__(self) -> str:
        return f"{self.verb} {self.about}".strip()
