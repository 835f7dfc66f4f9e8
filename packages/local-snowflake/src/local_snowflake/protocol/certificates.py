"""The server's TLS certificate: made once, kept in the data directory."""

import ipaddress
import os
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import certifi
from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

_LIFETIME = timedelta(days=3650)


def ensure_certificate(data_dir: Path, hostnames: Sequence[str] = ()) -> tuple[Path, Path]:
    """Make a self-signed certificate for localhost, 127.0.0.1 and ``hostnames``, unless one for them is there.

    Besides ca.pem and key.pem it writes ca-bundle.pem, for REQUESTS_CA_BUNDLE: the public authorities and this one.
    Returns the certificate's file and its key's file (mode 600).
    """
    certificate, key = data_dir / "ca.pem", data_dir / "key.pem"
    names = ["localhost", *hostnames]
    bundle = data_dir / "ca-bundle.pem"
    if bundle.exists() and set(names) <= _names_of(certificate, key):
        return certificate, key
    private = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "local_snowflake")])
    alternatives: list[x509.GeneralName] = [x509.DNSName(n) for n in names]
    alternatives.append(x509.IPAddress(ipaddress.ip_address("127.0.0.1")))
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(private.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + _LIFETIME)
        .add_extension(x509.SubjectAlternativeName(alternatives), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(private, hashes.SHA256())
    )
    pem = made.public_bytes(serialization.Encoding.PEM)
    encoded = private.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    write_private(key, encoded)
    write_private(certificate, pem)
    write_private(bundle, Path(certifi.where()).read_bytes() + b"\n" + pem)
    return certificate, key


def _names_of(certificate: Path, key: Path) -> set[str]:
    """The names that a certificate is for; none if it is not there, not whole, or another key's."""
    try:
        current = x509.load_pem_x509_certificate(certificate.read_bytes())
        private = serialization.load_pem_private_key(key.read_bytes(), None)
        if current.public_key() != private.public_key():
            return set()
        names = current.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    # another one's key may be encrypted (TypeError), another one's certificate without names
    except (FileNotFoundError, ValueError, TypeError, UnsupportedAlgorithm, x509.ExtensionNotFound):
        return set()
    return set(names.get_values_for_type(x509.DNSName))


def write_private(path: Path, content: bytes) -> None:
    """Write a file that only its owner may read; who reads it meanwhile sees the old one or the new one, whole."""
    new = path.with_name(f".{path.name}.new")
    descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
    new.replace(path)
