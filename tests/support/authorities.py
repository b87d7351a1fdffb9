"""Certificate authorities of tests and the client certificates that they give, good and bad."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Pair:
    """A certificate with its key, both in PEM files."""

    certificate_path: Path
    key_path: Path
    serial: int


class Authority:
    """A CA with a certificate of its own, in a folder of tests."""

    def __init__(self, folder: Path, name: str) -> None:
        self._folder, self._name = folder, name
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._subject = _name(name)
        builder = _builder(self._subject, self._subject, self._key.public_key())
        builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=0), True)
        self._certificate = builder.sign(self._key, hashes.SHA256())
        self.path = folder / f"{name}.pem"
        self.path.write_bytes(_pem(self._certificate))

    def issue(self, name: str, *, days: int = 30) -> Pair:
        """Give a client certificate; with negative `days` it has expired already."""
        key = ec.generate_private_key(ec.SECP256R1())
        builder = _builder(_name(name), self._subject, key.public_key(), days=days)
        usage = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH])
        certificate = builder.add_extension(usage, False).sign(self._key, hashes.SHA256())
        return _save(self._folder, f"{self._name}-{name}", certificate, key)

    def revoke(self, *pairs: Pair) -> None:
        """Put a revocation list into the file of the CA's certificate."""
        now = datetime.now(UTC)
        builder = x509.CertificateRevocationListBuilder().issuer_name(self._subject)
        builder = builder.last_update(now - _DAY).next_update(now + 30 * _DAY)
        for pair in pairs:
            entry = x509.RevokedCertificateBuilder().serial_number(pair.serial)
            builder = builder.add_revoked_certificate(entry.revocation_date(now - _DAY).build())
        listed = builder.sign(self._key, hashes.SHA256())
        text = listed.public_bytes(serialization.Encoding.PEM)
        self.path.write_bytes(_pem(self._certificate) + text)


def make_self_signed(folder: Path, name: str) -> Pair:
    """Make a client certificate that nobody but itself vouches for."""
    key = ec.generate_private_key(ec.SECP256R1())
    certificate = _builder(_name(name), _name(name), key.public_key()).sign(key, hashes.SHA256())
    return _save(folder, f"self-{name}", certificate, key)


def _name(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey, *, days: int = 30
) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - 60 * _DAY)
        .not_valid_after(now + days * _DAY)
    )


def _pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)


def _save(
    folder: Path, name: str, certificate: x509.Certificate, key: ec.EllipticCurvePrivateKey
) -> Pair:
    pair = Pair(folder / f"{name}.pem", folder / f"{name}.key", certificate.serial_number)
    pair.certificate_path.write_bytes(_pem(certificate))
    pair.key_path.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return pair
