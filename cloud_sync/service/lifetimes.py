"""How long certificates still hold, wherever somebody looks: at a station, at the ledger."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from cryptography import x509

WARN_BEFORE = timedelta(days=30)
"""So long before a certificate ends somebody is told."""


@dataclass(frozen=True, slots=True)
class Lifetime:
    """When a certificate begins and ends, both in UTC."""

    begins: datetime
    ends: datetime

    def is_valid(self, now: datetime) -> bool:
        """Whether it holds now."""
        return self.begins <= now < self.ends

    def is_ending(self, now: datetime) -> bool:
        """Whether it holds no more, or not for long."""
        return self.ends - now < WARN_BEFORE

    def days(self, now: datetime) -> int:
        """Whole days that are left; below 0 once it is over."""
        return (self.ends - now).days


def of_server(der: bytes) -> Lifetime:
    """Read a server's certificate; ValueError for what is none."""
    return _lifetime(x509.load_der_x509_certificate(der))


def of_authorities(pem: bytes) -> Lifetime:
    """Read a file of authorities, of which the longest-lived counts; ValueError for a file without any."""
    return max((_lifetime(one) for one in x509.load_pem_x509_certificates(pem)), key=lambda one: one.ends)


def _lifetime(certificate: x509.Certificate) -> Lifetime:
    return Lifetime(certificate.not_valid_before_utc, certificate.not_valid_after_utc)
