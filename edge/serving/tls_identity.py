"""Who the pole is under TLS: a key and a self-signed certificate of its own, bound to the pole.

Browsers know no Ed25519, so the device's key can't be that of TLS: it signs a statement that names
the certificate instead. Whoever trusts the device's key can so trust the connection.
"""

from __future__ import annotations

import base64
import hashlib
import ipaddress
import logging
import os
import re
import ssl
from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from edge.config.station_ca import CRL_MARK, read_station_ca
from edge.errors import Fault, StoreError, ValidationError
from edge.evidence import canonical_json
from edge.whole_file import save_whole

KEY_NAME = "tls.key"
CERTIFICATE_NAME = "tls.crt"
CIPHERS = "ECDHE+AESGCM:ECDHE+CHACHA20"
"""For TLS 1.2; those of 1.3 all authenticate what they encrypt. CBC suites leak (Lucky 13)."""
_BEGINS = datetime(1970, 1, 1, tzinfo=UTC)
"""A pole whose clock was never set still shows a certificate that has begun."""
_ENDS = datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)
"""No well-defined end (RFC 5280 §4.1.2.5): nobody climbs a pole to renew it."""
_OTHERS = 0o077
_HOST_NAME = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._-]{0,251}[A-Za-z0-9])?")
_logger = logging.getLogger("polewatch.tls")


@dataclass(frozen=True, slots=True)
class TlsBinding:
    """What binds a certificate to the pole: a statement in canonical JSON, signed by its key.

    `certificate_sha256` is that of the certificate's DER, hex; `signature` is base64 (Ed25519).
    """

    certificate_sha256: str
    statement: str
    signature: str


@dataclass(frozen=True, slots=True)
class TlsIdentity:
    """The files of the key (0600) and the certificate, both PEM."""

    key_path: Path
    certificate_path: Path
    certificate: x509.Certificate


def load_or_make_identity(folder: Path, pole: str, names: Collection[str]) -> TlsIdentity:
    """Load the pole's TLS key and certificate, or make what is missing.

    A certificate is never replaced in silence, for stations have it as the one they trust: where
    the pole has got a new name or address, the log says so.

    Args:
        folder: where the two files lie; made 0700 if need be.
        pole: its id.
        names: host names and addresses that the certificate is to hold.

    Raises:
        StoreError: they can't be read or written, others may read the key, or they do not belong
            together.
    """
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        key = _load_key(folder / KEY_NAME) or _make_key(folder)
        certificate = _load_certificate(folder / CERTIFICATE_NAME)
        if certificate is None:
            certificate = _make_certificate(folder, key, pole, names)
    except StoreError:
        raise
    except OSError as exc:
        reason = f"{exc.strerror}; check owner, mode and disk"
        raise StoreError(f"{folder}: the TLS key can't be kept there: {reason}") from exc
    if certificate.public_key() != key.public_key():
        remedy = f"restore the two together, or move {CERTIFICATE_NAME} away for a new one"
        raise StoreError(f"{folder}: key and certificate do not belong together; {remedy}")
    held = _names_in(certificate)
    if missing := sorted(name for name in names if _general_name(name) and name not in held):
        _logger.warning(
            "tls: the certificate lacks %s; stations that check names refuse it there; for a new"
            " one move %s away and give it to them", ", ".join(missing), folder / CERTIFICATE_NAME,
        )  # fmt: skip
    return TlsIdentity(folder / KEY_NAME, folder / CERTIFICATE_NAME, certificate)


def bind(identity: TlsIdentity, pole: str, key: Ed25519PrivateKey) -> TlsBinding:
    """Have the device's key say that this certificate is the pole's."""
    digest = hashlib.sha256(
        identity.certificate.public_bytes(serialization.Encoding.DER)
    ).hexdigest()
    statement = canonical_json({"kind": "tls", "pole": pole, "certificate_sha256": digest})
    signature = base64.b64encode(key.sign(statement)).decode()
    return TlsBinding(digest, statement.decode(), signature)


def make_tls_context(identity: TlsIdentity, station_ca: Path | None) -> ssl.SSLContext:
    """Make what a server needs: TLS 1.2 or newer, and only what also authenticates.

    Args:
        identity: the pole's own.
        station_ca: PEM with the CA of the stations, and its revocation lists if there are any;
            None: any client may connect.

    Raises:
        ValidationError: `station_ca` can't be read.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers(CIPHERS)
    context.set_alpn_protocols(["http/1.1"])
    context.options |= ssl.OP_NO_RENEGOTIATION | ssl.OP_NO_COMPRESSION
    context.load_cert_chain(identity.certificate_path, identity.key_path)
    if station_ca is None:
        return context
    try:
        text = read_station_ca(station_ca)
        context.load_verify_locations(cafile=station_ca)
    except (ValueError, OSError) as exc:
        remedy = "put the station's CA there as PEM"
        raise ValidationError([Fault("api.station_ca", f"{exc}", remedy)]) from exc
    context.verify_mode = ssl.CERT_REQUIRED
    if CRL_MARK in text:
        context.verify_flags |= ssl.VerifyFlags.VERIFY_CRL_CHECK_LEAF
    return context


def _load_key(path: Path) -> ec.EllipticCurvePrivateKey | None:
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW)
    except FileNotFoundError:
        return None
    with os.fdopen(descriptor, "rb") as file:
        if os.fstat(descriptor).st_mode & _OTHERS:
            raise StoreError(f"{path}: others may read the TLS key; chmod 600 it")
        pem = file.read()
    remedy = "restore it, or move it and the certificate away for new ones"
    try:
        key = serialization.load_pem_private_key(pem, password=None)
    except ValueError as exc:
        raise StoreError(f"{path}: no key that can be read; {remedy}") from exc
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise StoreError(f"{path}: no key of an elliptic curve; {remedy}")
    return key


def _load_certificate(path: Path) -> x509.Certificate | None:
    try:
        return x509.load_pem_x509_certificate(path.read_bytes())
    except FileNotFoundError:
        return None
    except ValueError as exc:
        remedy = "restore it, or move it away for a new one"
        raise StoreError(f"{path}: no certificate that can be read; {remedy}") from exc


def _make_key(folder: Path) -> ec.EllipticCurvePrivateKey:
    key = ec.generate_private_key(ec.SECP256R1())
    pem = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    save_whole(folder / KEY_NAME, pem, mode=0o600)
    return key


def _make_certificate(
    folder: Path, key: ec.EllipticCurvePrivateKey, pole: str, names: Collection[str]
) -> x509.Certificate:
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, pole)])
    alternatives = [found for name in sorted(names) if (found := _general_name(name)) is not None]
    usage = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(_BEGINS)
        .not_valid_after(_ENDS)
        .add_extension(x509.SubjectAlternativeName(alternatives), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(usage, critical=False)
        .sign(key, hashes.SHA256())
    )
    pem = certificate.public_bytes(serialization.Encoding.PEM)
    save_whole(folder / CERTIFICATE_NAME, pem, mode=0o644)
    return certificate


def _general_name(name: str) -> x509.GeneralName | None:
    """An address or a host name as certificates hold it; None: it is neither."""
    try:
        return x509.IPAddress(ipaddress.ip_address(name.strip("[]")))
    except ValueError:
        return x509.DNSName(name) if _HOST_NAME.fullmatch(name) else None


def _names_in(certificate: x509.Certificate) -> set[str]:
    try:
        found = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return set()
    return {str(name.value) for name in found}
