"""The pole's own key and certificate: made once, kept, bound to the pole, never replaced."""

from __future__ import annotations

import base64
import hashlib
import logging
import ssl
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec

from edge.errors import StoreError, ValidationError
from edge.serving.tls_identity import bind, load_or_make_identity, make_tls_context
from tests.support.api_pole import KEY
from tests.support.authorities import Authority

pytestmark = pytest.mark.timeout(120)

NAMES = ("sg-017", "localhost", "127.0.0.1", "::1", "10.0.0.5", "bad name", "")


def test_certificate_is_made_once_and_found_again(tmp_path: Path) -> None:
    folder = tmp_path / "tls"
    made = load_or_make_identity(folder, "SG-017", NAMES)
    again = load_or_make_identity(folder, "SG-017", NAMES)
    assert made.certificate == again.certificate
    assert folder.stat().st_mode & 0o777 == 0o700
    assert (folder / "tls.key").stat().st_mode & 0o777 == 0o600
    assert sorted(path.name for path in folder.iterdir()) == ["tls.crt", "tls.key"]


def test_certificate_is_what_browsers_and_a_pole_without_clock_can_use(tmp_path: Path) -> None:
    certificate = load_or_make_identity(tmp_path / "tls", "SG-017", NAMES).certificate
    key = certificate.public_key()
    assert isinstance(key, ec.EllipticCurvePublicKey)
    assert key.curve.name == "secp256r1"
    assert certificate.not_valid_before_utc == datetime(1970, 1, 1, tzinfo=UTC)
    assert certificate.not_valid_after_utc == datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)
    found = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert found.get_values_for_type(x509.DNSName) == ["localhost", "sg-017"]
    assert [str(each) for each in found.get_values_for_type(x509.IPAddress)] == [
        "10.0.0.5", "127.0.0.1", "::1",
    ]  # fmt: skip


def test_statement_binds_the_certificate_to_the_pole(tmp_path: Path) -> None:
    identity = load_or_make_identity(tmp_path / "tls", "SG-017", NAMES)
    binding = bind(identity, "SG-017", KEY)
    pem = (tmp_path / "tls" / "tls.crt").read_text()
    digest = hashlib.sha256(ssl.PEM_cert_to_DER_cert(pem)).hexdigest()
    assert binding.certificate_sha256 == digest
    assert binding.statement == (
        f'{{"certificate_sha256":"{digest}","kind":"tls","pole":"SG-017"}}'
    )
    KEY.public_key().verify(base64.b64decode(binding.signature), binding.statement.encode())


def test_certificate_is_kept_and_said_when_a_name_is_new(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    made = load_or_make_identity(tmp_path / "tls", "SG-017", ("localhost",))
    with caplog.at_level(logging.WARNING):
        again = load_or_make_identity(tmp_path / "tls", "SG-017", ("localhost", "10.0.0.5"))
    assert again.certificate == made.certificate
    assert "the certificate lacks 10.0.0.5" in caplog.text


def test_only_the_certificate_is_new_when_it_was_moved_away(tmp_path: Path) -> None:
    made = load_or_make_identity(tmp_path / "tls", "SG-017", NAMES)
    (tmp_path / "tls" / "tls.crt").unlink()
    again = load_or_make_identity(tmp_path / "tls", "SG-017", NAMES)
    assert again.certificate != made.certificate
    assert again.certificate.public_key() == made.certificate.public_key()


@pytest.mark.parametrize(
    ("file", "content", "complaint"),
    [
        ("tls.key", b"", "no key that can be read; restore it"),
        ("tls.crt", b"-----BEGIN CERTIFICATE-----\n", "no certificate that can be read"),
    ],
)
def test_damaged_file_is_an_error_and_is_not_replaced(
    tmp_path: Path, file: str, content: bytes, complaint: str
) -> None:
    load_or_make_identity(tmp_path / "tls", "SG-017", NAMES)
    path = tmp_path / "tls" / file
    path.write_bytes(content)
    with pytest.raises(StoreError, match=complaint):
        load_or_make_identity(tmp_path / "tls", "SG-017", NAMES)
    assert path.read_bytes() == content


def test_key_is_refused_when_others_may_read_it_or_it_is_another(tmp_path: Path) -> None:
    load_or_make_identity(tmp_path / "a", "SG-017", NAMES)
    load_or_make_identity(tmp_path / "b", "SG-017", NAMES)
    (tmp_path / "a" / "tls.key").chmod(0o640)
    with pytest.raises(StoreError, match=r"tls\.key: others may read the TLS key; chmod 600 it$"):
        load_or_make_identity(tmp_path / "a", "SG-017", NAMES)
    (tmp_path / "b" / "tls.key").unlink()
    with pytest.raises(StoreError, match="do not belong together; restore the two"):
        load_or_make_identity(tmp_path / "b", "SG-017", NAMES)


def test_folder_that_can_not_be_made_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "tls").write_bytes(b"")
    with pytest.raises(StoreError, match=r"can't be kept there: .*; check owner"):
        load_or_make_identity(tmp_path / "tls", "SG-017", NAMES)


def test_station_ca_is_refused_when_it_can_not_be_read(tmp_path: Path) -> None:
    identity = load_or_make_identity(tmp_path / "tls", "SG-017", NAMES)
    for content in (None, b"", b"\xff", b"-----BEGIN CERTIFICATE-----\nAAAA\n", b"x" * 2**21):
        path = tmp_path / "ca.pem"
        if content is not None:
            path.write_bytes(content)
        with pytest.raises(ValidationError, match=r"api\.station_ca: .*as PEM"):
            make_tls_context(identity, path)
    good = Authority(tmp_path, "good")
    assert make_tls_context(identity, good.path).verify_mode == ssl.CERT_REQUIRED
    assert make_tls_context(identity, None).verify_mode == ssl.CERT_NONE
