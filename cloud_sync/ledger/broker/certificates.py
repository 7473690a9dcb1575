"""Create the broker's certificate, and the authority that signs it and that stations trust."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from ipaddress import ip_address

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

AUTHORITY_AGE = timedelta(days=20 * 365)
"""Longer than a station's life, so that no station needs a new ca.pem."""
SERVER_AGE = timedelta(days=397)
RENEWED_BEFORE = timedelta(days=60)
SKEW = timedelta(days=1)
"""Certificates begin this much earlier: a board without a clock may be behind."""


@dataclass(frozen=True, slots=True)
class Identity:
    """A certificate and its private key, both PEM."""

    certificate: bytes
    key: bytes

    def __repr__(self) -> str:
        """Show nothing: a key must not reach a log."""
        return "Identity(…)"


def make_authority(name: str, now: datetime) -> Identity:
    """Create an authority that may sign servers only."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    usage = _usage(signs_certificates=True)
    builder = _builder(subject, subject, key, now, AUTHORITY_AGE)
    builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
    signed = builder.add_extension(usage, critical=True).sign(key, hashes.SHA256())
    return _identity(signed, key)


def make_server(
    authority: Identity, names: Collection[str], now: datetime, key_pem: bytes | None = None
) -> Identity:
    """Create a certificate for a broker with these host names or addresses.

    A renewed certificate keeps its key: mosquitto 2.0.11 exits when it reloads a certificate with a new key.
    """
    signer = x509.load_pem_x509_certificate(authority.certificate)
    key = ec.generate_private_key(ec.SECP256R1()) if key_pem is None else _key(key_pem)
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, min(names)[:64])])
    builder = _builder(subject, signer.subject, key, now, SERVER_AGE)
    builder = builder.add_extension(
        x509.SubjectAlternativeName([_name(name) for name in sorted(names)]), critical=False
    )
    builder = builder.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
    builder = builder.add_extension(_usage(signs_certificates=False), critical=True)
    purpose = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH])
    signed = builder.add_extension(purpose, critical=False).sign(_key(authority.key), hashes.SHA256())
    return _identity(signed, key)


def serves(certificate: bytes, authority: bytes, names: Collection[str], now: datetime) -> bool:
    """Return whether a server's certificate is this authority's, for these names, and not about to end."""
    try:
        held = x509.load_pem_x509_certificate(certificate)
        held.verify_directly_issued_by(x509.load_pem_x509_certificate(authority))
        said = held.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except (ValueError, TypeError, x509.ExtensionNotFound, InvalidSignature):
        return False
    holds = held.not_valid_before_utc <= now and held.not_valid_after_utc - now > RENEWED_BEFORE
    return holds and set(said) == {_name(name) for name in names}


def out_of_time(certificate: bytes, now: datetime) -> str:
    """Return why a certificate is not valid now; empty if it is valid."""
    held = x509.load_pem_x509_certificate(certificate)
    if now < held.not_valid_before_utc:
        return f"is valid only from {held.not_valid_before_utc:%Y-%m-%d} on"
    if now >= held.not_valid_after_utc:
        return f"was valid only until {held.not_valid_after_utc:%Y-%m-%d}"
    return ""


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey, now: datetime, age: timedelta
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - SKEW)
        .not_valid_after(now + age)
    )


def _usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        encipher_only=False,
        decipher_only=False,
    )


def _name(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _key(pem: bytes) -> ec.EllipticCurvePrivateKey:
    key = load_pem_private_key(pem, password=None)
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        msg = "a broker's keys are elliptic curve keys"
        raise TypeError(msg)
    return key


def _identity(certificate: x509.Certificate, key: ec.EllipticCurvePrivateKey) -> Identity:
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return Identity(certificate.public_bytes(Encoding.PEM), pem)
