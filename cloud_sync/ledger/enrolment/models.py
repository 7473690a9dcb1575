"""Invitations of stations, keys that are not heard yet, and the stations' users at the broker."""

from __future__ import annotations

from django.db import models
from django.db.models import CheckConstraint, F, Q, UniqueConstraint

from cloud_sync.ledger.stations.models import Station, StationKey

MAX_TRIES = 5
"""Wrong proofs that end an invitation."""


class Invitation(models.Model):
    """A one-time code for a station: who made it, until when it counts, and what became of it."""

    station = models.ForeignKey(Station, models.PROTECT, related_name="invitations")
    number = models.CharField(max_length=10, unique=True)
    """Its number in the code, hex; random, so that nobody finds one by counting."""
    proof_key = models.BinaryField(max_length=32)
    """Checks proofs of the code's secret; the secret itself is stored nowhere."""
    made_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    by = models.CharField(max_length=64)
    reason = models.CharField(max_length=200)
    tries = models.SmallIntegerField(default=0)
    """Wrong proofs so far."""
    used_at = models.DateTimeField(null=True)
    used_by = models.ForeignKey(StationKey, models.PROTECT, null=True, related_name="invitations")
    """The key that it brought."""
    request = models.CharField(max_length=64, blank=True, default="")
    """SHA-256 of the request that used it: the same one gets the same answer again."""
    answer = models.BinaryField(default=b"")
    """The answer, sealed to the station; emptied when the station was heard."""
    ended_at = models.DateTimeField(null=True)
    ended_by = models.CharField(max_length=64, blank=True, default="")
    """Who took it back before it was used; `*` if wrong proofs ended it."""

    class Meta:
        constraints = [
            CheckConstraint(condition=~Q(by="") & ~Q(reason=""), name="invitation_by_someone"),
            CheckConstraint(condition=Q(expires_at__gt=F("made_at")), name="invitation_expires_later"),
            CheckConstraint(condition=Q(tries__gte=0, tries__lte=MAX_TRIES), name="invitation_tries_bounded"),
            CheckConstraint(
                condition=Q(used_at__isnull=True, used_by__isnull=True, request="")
                | (Q(used_at__isnull=False, used_by__isnull=False) & ~Q(request="")),
                name="invitation_used_by_a_key",
            ),
            CheckConstraint(
                condition=Q(ended_at__isnull=True, ended_by="")
                | (Q(ended_at__isnull=False, used_at__isnull=True) & ~Q(ended_by="")),
                name="invitation_ended_unused",
            ),
            UniqueConstraint(
                fields=["station"],
                condition=Q(used_at__isnull=True, ended_at__isnull=True),
                name="invitation_open_once",
            ),
        ]

    def __str__(self) -> str:
        return f"invitation {self.number} of {self.station}"


class BrokerLogin(models.Model):
    """A station's user at the broker. A later one takes the place of an earlier one once it was used."""

    station = models.ForeignKey(Station, models.PROTECT, related_name="logins")
    number = models.IntegerField()
    user = models.CharField(max_length=80, unique=True)
    hash = models.CharField(max_length=160)
    """The password as mosquitto stores it; the password itself is stored nowhere."""
    since = models.DateTimeField()
    proved_at = models.DateTimeField(null=True)
    """When the station was known to use it; those before it end then."""
    ended_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            UniqueConstraint(fields=["station", "number"], name="login_number_in_station"),
            CheckConstraint(condition=Q(number__gte=1), name="login_number_from_one"),
        ]

    def __str__(self) -> str:
        return self.user


class Succession(models.Model):
    """A station's new key, believed beside its older ones until it is heard, or for a day."""

    key = models.OneToOneField(StationKey, models.PROTECT, related_name="succession")
    login = models.ForeignKey(BrokerLogin, models.PROTECT, null=True)
    """The broker's user that came with it, if one did."""
    since = models.DateTimeField()
    after_batch = models.BigIntegerField()
    """Signed batches up to this row are not by the new key."""
    heard_at = models.DateTimeField(null=True)
    """When a batch by it was found; its elders are retired then."""
    over_at = models.DateTimeField(null=True)
    """When its elders were retired, heard or not."""
    request = models.CharField(max_length=64, blank=True, default="")
    """SHA-256 of the request that brought it: the same one gets the same answer again."""
    answer = models.BinaryField(default=b"")
    """The answer, sealed to the station; emptied when the key was heard."""

    class Meta:
        constraints = [
            CheckConstraint(
                condition=Q(heard_at__isnull=True) | Q(over_at__isnull=False), name="succession_heard_is_over"
            ),
        ]
        indexes = [
            models.Index(fields=["key"], condition=Q(over_at__isnull=True), name="succession_pending"),
        ]

    def __str__(self) -> str:
        return f"{self.key} since {self.since}"
