"""Stations and the events they sent. An event is stored once, with the bytes it came in, and is kept."""

from __future__ import annotations

from django.db import models
from django.db.models import CheckConstraint, Index, Q, UniqueConstraint

MINT_LIMIT = 20_000
"""Points a day; 600 households at their daily cap stay below it."""
MAX_NAME = 64
"""Letters of a community's or a station's name."""


class Language(models.TextChoices):
    """What pages are written in."""

    CHINESE = "zh"
    ENGLISH = "en"


class Community(models.Model):
    """A community with its own accounts, rules and time zone."""

    slug = models.CharField(max_length=32, unique=True)
    name_zh = models.CharField(max_length=MAX_NAME)
    name_en = models.CharField(max_length=MAX_NAME)
    timezone = models.CharField(max_length=64)
    language = models.CharField(max_length=2, choices=Language, default=Language.CHINESE)
    """Language of its pages if the reader's browser asks for none of the available ones."""
    sorting = models.TextField(default="")
    """A city that Tongzhan ships, or other rules of sorting as JSON; empty until `init` has run."""
    daily_mint_limit = models.BigIntegerField(default=MINT_LIMIT)
    """Points that one station may bring in a day; visits beyond it are held."""

    class Meta:
        constraints = [
            CheckConstraint(condition=Q(daily_mint_limit__gte=0), name="community_mint_not_negative")
        ]

    def __str__(self) -> str:
        return self.slug


class CommunityChange(models.Model):
    """A change of a community's facts: who, when, why, and the values before and after, as JSON."""

    community = models.ForeignKey(Community, models.PROTECT, related_name="changes")
    changed_at = models.DateTimeField()
    by = models.CharField(max_length=64)
    reason = models.CharField(max_length=200)
    before = models.TextField()
    after = models.TextField()

    class Meta:
        constraints = [CheckConstraint(condition=~Q(by="") & ~Q(reason=""), name="change_by_someone")]

    def __str__(self) -> str:
        return f"{self.community} by {self.by}"


class Station(models.Model):
    """One station. Its row is the lock under which a worker applies its events."""

    community = models.ForeignKey(Community, models.PROTECT, related_name="stations")
    slug = models.CharField(max_length=32)
    name_zh = models.CharField(max_length=MAX_NAME, blank=True, default="")
    name_en = models.CharField(max_length=MAX_NAME, blank=True, default="")
    """What residents call it, such as 东门桶站 and East Gate; empty until somebody names it."""
    active = models.BooleanField(default=True)
    daily_mint_limit = models.BigIntegerField(null=True)
    """This station's own limit; None: the community's limit applies."""
    admitted_at = models.DateTimeField(null=True)
    """When it was admitted; unknown if an older ledger admitted it and never heard it."""
    received_on = models.DateField(null=True)
    """The community's local day on which a batch of it last came."""
    newest_at = models.DateTimeField(null=True)
    """The newest trusted time in events that had come before that day began."""
    newest_before_at = models.DateTimeField(null=True)
    """The same for the day of receipt before that one."""
    ahead_at = models.DateTimeField(null=True)
    """The newest trusted time of its last batch, where the ledger's clock was far behind it."""
    begun_on = models.DateField(null=True)
    """The day of UTC on which it last began an epoch."""
    begun = models.IntegerField(default=0)
    """Epochs that it began on that day."""

    class Meta:
        constraints = [
            UniqueConstraint(fields=["community", "slug"], name="station_slug_in_community"),
            CheckConstraint(
                condition=Q(daily_mint_limit__isnull=True) | Q(daily_mint_limit__gte=0),
                name="station_mint_not_negative",
            ),
            CheckConstraint(condition=Q(begun__gte=0), name="station_begun_not_negative"),
        ]

    def __str__(self) -> str:
        return self.slug


class StationKey(models.Model):
    """A public key that signs this station's batches until it is retired."""

    station = models.ForeignKey(Station, models.PROTECT, related_name="keys")
    key_id = models.CharField(max_length=16, unique=True)
    public = models.BinaryField(max_length=32)
    """Ed25519, the raw 32 bytes."""
    retired_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return self.key_id


class Epoch(models.Model):
    """One opening of a station's journal: all of its events up to `through` are stored here."""

    station = models.ForeignKey(Station, models.PROTECT, related_name="epochs", db_index=False)
    epoch = models.CharField(max_length=16)
    through = models.BigIntegerField(default=0)
    updated = models.DateTimeField()
    """When a batch last carried an event of this epoch, known or new."""
    boot = models.CharField(max_length=64, blank=True, default="")
    """The boot that wrote it, as its stamps name it."""
    first_at = models.DateTimeField(null=True)
    """The earliest trusted time in its events."""
    last_at = models.DateTimeField(null=True)
    """The latest one."""
    decided_at = models.DateTimeField(null=True)
    """When a person last decided about an event of it; receipts then name it, however old it is."""
    cloned = models.BooleanField(default=False)
    """The same epoch came from another station too: the journal was copied, and its points are held."""

    class Meta:
        constraints = [
            UniqueConstraint(fields=["station", "epoch"], name="epoch_in_station"),
            CheckConstraint(condition=Q(through__gte=0), name="epoch_through_not_negative"),
        ]
        indexes = [
            Index(fields=["station", "-updated"], name="epoch_newest_first"),
            Index(fields=["epoch"], name="epoch_of_any_station"),
            Index(fields=["station", "last_at"], name="epoch_by_its_time"),
            Index(
                fields=["station", "-decided_at"],
                name="epoch_decided_about",
                condition=Q(decided_at__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.epoch} through {self.through}"


class EventKind(models.TextChoices):
    """What an event states; `unread`: its facts could not be read."""

    VISIT = "visit"
    ALARM = "alarm"
    COMMAND = "command"
    UNREAD = "unread"


class EventState(models.TextChoices):
    """Whether an event was applied or set aside."""

    APPLIED = "applied"
    REFUSED = "refused"


class Event(models.Model):
    """One event under its identity (station, epoch, sequence), as the bytes the station wrote."""

    station = models.ForeignKey(Station, models.PROTECT, related_name="events", db_index=False)
    epoch = models.CharField(max_length=16)
    sequence = models.BigIntegerField()
    kind = models.CharField(max_length=8, choices=EventKind)
    body = models.BinaryField()
    digest = models.CharField(max_length=64)
    """SHA-256 of `body`, hex."""
    received_at = models.DateTimeField()
    state = models.CharField(max_length=8, choices=EventState)
    reason = models.CharField(max_length=32, blank=True, default="")
    """Why it was refused, one word."""

    class Meta:
        constraints = [
            UniqueConstraint(fields=["station", "epoch", "sequence"], name="event_identity"),
            CheckConstraint(condition=Q(sequence__gte=1), name="event_sequence_from_one"),
            CheckConstraint(
                condition=Q(state=EventState.APPLIED, reason="")
                | (Q(state=EventState.REFUSED) & ~Q(reason="")),
                name="event_refused_for_a_reason",
            ),
        ]
        indexes = [
            Index(fields=["station", "epoch"], name="event_refused", condition=Q(state=EventState.REFUSED)),
        ]

    def __str__(self) -> str:
        return f"{self.epoch}/{self.sequence} {self.kind} {self.state}"


class Conflict(models.Model):
    """Different content under the identity of a stored event: evidence for a person."""

    station = models.ForeignKey(Station, models.PROTECT, related_name="conflicts", db_index=False)
    epoch = models.CharField(max_length=16)
    sequence = models.BigIntegerField()
    body = models.BinaryField()
    digest = models.CharField(max_length=64)
    received_at = models.DateTimeField()

    class Meta:
        constraints = [
            UniqueConstraint(fields=["station", "epoch", "sequence", "digest"], name="conflict_once")
        ]

    def __str__(self) -> str:
        return f"conflict with {self.epoch}/{self.sequence}"


class Stray(models.Model):
    """Part of a signed batch that names no event: kept as evidence, as no receipt can name it."""

    station = models.ForeignKey(Station, models.PROTECT, related_name="strays", db_index=False)
    body = models.BinaryField()
    digest = models.CharField(max_length=64)
    received_at = models.DateTimeField()

    class Meta:
        constraints = [UniqueConstraint(fields=["station", "digest"], name="stray_once")]

    def __str__(self) -> str:
        return f"stray {self.digest[:12]}"


class Dismissal(models.Model):
    """A person's decision that something set aside needs nothing more: lists and receipts leave it out.

    Showing it again ends the dismissal; a row is never removed.
    """

    class Kind(models.TextChoices):
        """The table of what was dismissed; the letter begins its number in lists."""

        EVENT = "e"
        CONFLICT = "c"
        STRAY = "s"

    community = models.ForeignKey(Community, models.PROTECT, related_name="dismissals", db_index=False)
    kind = models.CharField(max_length=1, choices=Kind)
    row = models.BigIntegerField()
    """Primary key in that table."""
    by = models.CharField(max_length=64)
    reason = models.CharField(max_length=200)
    dismissed_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)
    ended_by = models.CharField(max_length=64, blank=True, default="")
    """Who had it shown again."""

    class Meta:
        constraints = [
            UniqueConstraint(
                fields=["kind", "row"], condition=Q(ended_at__isnull=True), name="dismissal_once"
            ),
            CheckConstraint(condition=~Q(by="") & ~Q(reason=""), name="dismissal_by_someone_for_a_reason"),
            CheckConstraint(
                condition=Q(ended_at__isnull=True, ended_by="")
                | (Q(ended_at__isnull=False) & ~Q(ended_by="")),
                name="dismissal_ended_by_someone",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind}{self.row} by {self.by}"

    @classmethod
    def rows(cls, kind: Kind) -> models.QuerySet[Dismissal, int]:
        """Return the primary keys of dismissed rows in the table of this kind."""
        return cls.objects.filter(kind=kind, ended_at=None).values_list("row", flat=True)


class Alarm(models.Model):
    """Something that needs a person: one open row a station and cause, counted while it recurs.

    `community` and `station` are as the message's topic named them; neither need exist.
    """

    community = models.CharField(max_length=64)
    station = models.CharField(max_length=64)
    reason = models.CharField(max_length=32)
    """One word; see `stations.alarms.Cause`."""
    detail = models.CharField(max_length=200)
    """Details of the last occurrence."""
    times = models.BigIntegerField(default=1)
    first_at = models.DateTimeField()
    last_at = models.DateTimeField()
    closed_at = models.DateTimeField(null=True)
    closed_by = models.CharField(max_length=64, blank=True, default="")

    class Meta:
        constraints = [
            UniqueConstraint(
                fields=["community", "station", "reason"],
                condition=Q(closed_at__isnull=True),
                name="alarm_open_once",
            ),
            CheckConstraint(
                condition=Q(closed_at__isnull=True, closed_by="")
                | (Q(closed_at__isnull=False) & ~Q(closed_by="")),
                name="alarm_closed_by_someone",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.community}/{self.station}: {self.reason} ({self.times})"
