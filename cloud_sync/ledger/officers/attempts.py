"""Counts attempts to sign in per account in the database: over all processes, and over a restart.

An account is stored as a keyed hash, because people type passwords into the field for the name. The table is
bounded: the accounts whose last attempt is oldest go first.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction
from django.utils import timezone
from django.utils.crypto import salted_hmac

from cloud_sync.ledger.officers.models import SignInAttempts

MOST_KEPT = 2048
"""Accounts, and in a process addresses, that are kept; the one with the oldest attempt is dropped first."""
FORGOTTEN_S = 15 * 60.0
"""Attempts are forgotten after this long without another one."""


@dataclass(frozen=True, slots=True)
class Patience:
    """Number of attempts without a wait, and the longest wait in seconds."""

    free: int
    longest_s: float

    def wait_s(self, tries: int) -> float:
        """Return the wait after this many attempts: 1, 2, 4 … seconds beyond the free ones."""
        beyond = tries - self.free
        return 0.0 if beyond < 0 else min(self.longest_s, 2.0 ** min(beyond, 30))


class StoredCounts:
    """Counts of one kind of attempt, such as passwords."""

    def __init__(self, kind: str, now: Callable[[], datetime] = timezone.now) -> None:
        self._kind, self._now = kind, now

    @transaction.atomic
    def count(self, account: str, patience: Patience) -> float:
        """Count an attempt and return 0; if the account must wait, return the seconds and count nothing."""
        now, key = self._now(), self._key(account)
        made = {"count": 0, "last_at": now, "next_at": now}
        _, is_new = SignInAttempts.objects.get_or_create(account=key, defaults=made)
        row = SignInAttempts.objects.select_for_update().get(account=key)
        wait_s, since_s = (row.next_at - now).total_seconds(), (now - row.last_at).total_seconds()
        if 0 < wait_s <= patience.longest_s:
            return wait_s
        is_old = since_s > FORGOTTEN_S or wait_s > 0  # no wait is that long: the clock was put back
        row.count = 1 if is_old else row.count + 1
        row.last_at = now
        row.next_at = now + timedelta(seconds=patience.wait_s(row.count))
        row.save()
        if is_new:
            self._bound()
        return 0.0

    def forget(self, account: str) -> None:
        """Forget an account's attempts: it signed in."""
        SignInAttempts.objects.filter(account=self._key(account)).delete()

    def _key(self, account: str) -> str:
        return salted_hmac("attempts", f"{self._kind}:{account}", algorithm="sha256").hexdigest()

    def _bound(self) -> None:
        newest = SignInAttempts.objects.order_by("-last_at", "-pk")
        if extra := list(newest.values_list("pk", flat=True)[MOST_KEPT:]):
            SignInAttempts.objects.filter(pk__in=extra).delete()
