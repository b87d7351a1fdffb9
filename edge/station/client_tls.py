"""How a pole is known over TLS: by its own certificate, by a CA, or by the system's CAs."""

from __future__ import annotations

import ssl
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from edge.errors import PoleRefused
from edge.station.config import ClientTls

FILE_BYTES_MAX = 1024 * 1024
CIPHERS = "ECDHE+AESGCM:ECDHE+CHACHA20"
"""For TLS 1.2; those of 1.3 all authenticate what they encrypt."""


class ClientContexts:
    """Makes what connections need, and shares it: the system's CAs alone are half a megabyte."""

    def __init__(self, own: ClientTls | None) -> None:
        """`own` is the certificate that is shown to poles which ask for one."""
        self._own = own
        self._made: dict[str | None, tuple[object, ssl.SSLContext]] = {}

    def find(self, ca: str | None) -> ssl.SSLContext:
        """Give the context for poles of a `ca` file; made anew when the file has changed.

        Raises:
            PoleRefused: the file, or the station's own certificate, can't be used.
        """
        stamp = _stamp(ca)
        made = self._made.get(ca)
        if made is None or made[0] != stamp:
            made = self._made[ca] = (stamp, make_client_context(ca, self._own))
        return made[1]


def make_client_context(ca: str | None, own: ClientTls | None) -> ssl.SSLContext:
    """Make what a connection to a pole needs: TLS 1.2 or newer.

    Args:
        ca: PEM. Where no certificate in it is a CA's, a pole must show exactly one of them, under
            whatever name it was reached: behind a tunnel it has others than it knows. Where one
            is, names are checked as usual. None: the system's CAs.
        own: the station's certificate and key.

    Raises:
        PoleRefused: a file can't be used; the message says which.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers(CIPHERS)
    context.options |= ssl.OP_NO_RENEGOTIATION | ssl.OP_NO_COMPRESSION
    if ca is None:
        context.load_default_certs()
    else:
        _trust(context, Path(ca))
    if own is not None:
        try:
            context.load_cert_chain(own.certificate, own.key)
        except (OSError, ssl.SSLError) as exc:
            remedy = "give a certificate and its key, both PEM, as [tls]"
            raise PoleRefused(
                f"{own.certificate}: can't be shown to poles ({exc}); {remedy}"
            ) from exc
    return context


def _trust(context: ssl.SSLContext, path: Path) -> None:
    """Have a context trust what stands in a file, and nothing else."""
    remedy = "put the pole's DATA/tls/tls.crt there, or the CA that gave it"
    try:
        with path.open("rb") as file:
            found = x509.load_pem_x509_certificates(file.read(FILE_BYTES_MAX))
        context.load_verify_locations(cafile=path)
    except (OSError, ValueError) as exc:
        raise PoleRefused(
            f"{path}: holds no certificates in PEM that can be read; {remedy}"
        ) from exc
    if any(_is_authority(each) for each in found):
        return
    pinned = frozenset(each.public_bytes(Encoding.DER) for each in found)
    context.check_hostname = False
    context.verify_flags |= ssl.VerifyFlags.VERIFY_X509_PARTIAL_CHAIN

    class Pinned(ssl.SSLObject):
        """Ends a handshake with anybody else before a byte of ours, and so the token, leaves."""

        def do_handshake(self) -> None:
            super().do_handshake()
            if self.getpeercert(binary_form=True) not in pinned:
                raise ssl.SSLCertVerificationError(f"it is not the certificate in {path}")

    context.sslobject_class = Pinned


def _is_authority(certificate: x509.Certificate) -> bool:
    try:
        return bool(certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca)
    except (x509.ExtensionNotFound, ValueError):
        return False


def _stamp(ca: str | None) -> object:
    if ca is None:
        return None
    try:
        status = Path(ca).stat()
    except OSError as exc:
        remedy = "put the pole's DATA/tls/tls.crt there, or the CA that gave it"
        raise PoleRefused(f"{ca}: can't be read ({exc.strerror}); {remedy}") from exc
    return status.st_ino, status.st_size, status.st_mtime_ns
