"""Nonces of requests that changed something: each may do so once."""

from __future__ import annotations

from django.db import models


class SpentNonce(models.Model):
    """A nonce that was used up, kept while it would be good."""

    nonce = models.CharField(max_length=96, unique=True)
    spent_at = models.DateTimeField(db_index=True)

    def __str__(self) -> str:
        return self.nonce
