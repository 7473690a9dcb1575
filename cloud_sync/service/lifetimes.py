"""How long certificates are still valid, for the station and the ledger."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from cryptography import x509

WARN_BEFORE = timedelta(days=30)
"""How long before a certificate ends a warning starts."""


@dataclass(frozen=True, slots=True)
class Lifetime:
    """When a certificate begins and ends, both in UTC."""

    begins: datetime
    ends: datetime

    def is_valid(self, now: datetime) -> bool:
        """Return whether it is valid now."""
        return self.begins <= now < self.ends

    def is_ending(self, now: datetime) -> bool:
        """Return whether it has ended or ends soon."""
        return self.ends - now < WARN_BEFORE

    def days(self, now: datetime) -> int:
        """Return the whole days left; below 0 once it has ended."""
        return (self.ends - now).days


def of_server(der: bytes) -> Lifetime:
    """Read a server's certificate; ValueError if it is not one."""
    return _lifetime(x509.load_der_x509_certificate(der))


def of_authorities(pem: bytes) -> Lifetime:
    """Read a file of authorities, of which the longest-lived counts; ValueError if it has none."""
    return max((_lifetime(one) for one in x509.load_pem_x509_certificates(pem)), key=lambda one: one.ends)


def _lifetime(certificate: x509.Certificate) -> Lifetime:
    return Lifetime(certificate.not_valid_before_utc, certificate.not_valid_after_utc)
