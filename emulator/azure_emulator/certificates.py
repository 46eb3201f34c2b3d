"""A certificate authority and a certificate for the servers of this machine."""

from __future__ import annotations

import fcntl
import ipaddress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import certifi
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

CA_LIFE = timedelta(days=3650)
SERVER_LIFE = timedelta(days=397)
RENEW_BEFORE = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class Certificates:
    """Where the files are; `bundle` is our CA together with the public ones."""

    ca: Path
    ca_key: Path
    certificate: Path
    key: Path
    bundle: Path


def certificate_paths(home: Path) -> Certificates:
    """Name the files below `home` without making them."""
    tls = home / "tls"
    return Certificates(
        ca=tls / "ca.pem",
        ca_key=tls / "ca-key.pem",
        certificate=tls / "cert.pem",
        key=tls / "key.pem",
        bundle=tls / "bundle.pem",
    )


def ensure_certificates(home: Path, names: Sequence[str] = ()) -> Certificates:
    """Make what is missing or about to expire; several processes may call this at once.

    The certificate is for localhost and for `names`, under which other machines find this one.
    """
    files = certificate_paths(home)
    files.ca.parent.mkdir(parents=True, exist_ok=True)
    with (files.ca.parent / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        fresh_ca = not (_valid(files.ca) and files.ca_key.exists())
        if fresh_ca:
            _make_ca(files)
        if fresh_ca or not (_valid(files.certificate, names) and files.key.exists()):
            _make_server_certificate(files, names)
        bundle = files.ca.read_bytes() + certifi.contents().encode()
        if not files.bundle.exists() or files.bundle.read_bytes() != bundle:
            _write(files.bundle, bundle)
    return files


def _valid(path: Path, names: Sequence[str] = ()) -> bool:
    if not path.exists():
        return False
    certificate = x509.load_pem_x509_certificate(path.read_bytes())
    if names:
        alternative = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName)
        if not set(names) <= set(alternative.value.get_values_for_type(x509.DNSName)):
            return False
    return certificate.not_valid_after_utc - RENEW_BEFORE > datetime.now(UTC)


def _make_ca(files: Certificates) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Azure emulator CA")])
    usage = x509.KeyUsage(
        digital_signature=True,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=True,
        crl_sign=True,
        encipher_only=False,
        decipher_only=False,
    )
    certificate = (
        _builder(name, name, key.public_key(), CA_LIFE)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(usage, critical=True)
        .sign(key, hashes.SHA256())
    )
    _write_pair(files.ca, files.ca_key, certificate, key)


def _make_server_certificate(files: Certificates, others: Sequence[str]) -> None:
    ca = x509.load_pem_x509_certificate(files.ca.read_bytes())
    ca_key = serialization.load_pem_private_key(files.ca_key.read_bytes(), password=None)
    if not isinstance(ca_key, ec.EllipticCurvePrivateKey):
        raise TypeError(f"{files.ca_key} does not hold an elliptic curve key")
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    names = [
        *(x509.DNSName(one) for one in ("localhost", *others)),
        x509.IPAddress(ipaddress.ip_address("127.0.0.1")),
    ]
    authority = x509.AuthorityKeyIdentifier.from_issuer_public_key(ca_key.public_key())
    certificate = (
        _builder(name, ca.subject, key.public_key(), SERVER_LIFE)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(authority, critical=False)
        .sign(ca_key, hashes.SHA256())
    )
    _write_pair(files.certificate, files.key, certificate, key)


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey, life: timedelta
) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + life)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
    )


def _write_pair(
    path: Path, key_path: Path, certificate: x509.Certificate, key: ec.EllipticCurvePrivateKey
) -> None:
    pem = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    _write(key_path, pem)
    _write(path, certificate.public_bytes(serialization.Encoding.PEM))


def _write(path: Path, content: bytes) -> None:
    """Replace the file in one step, so that no reader sees half of it."""
    part = path.with_suffix(".part")
    part.touch(mode=0o600)
    part.write_bytes(content)
    part.replace(path)
