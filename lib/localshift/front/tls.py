"""A certificate of our own making for the server's address, so that clients can check it; laid into the data folder."""

from __future__ import annotations

import ipaddress
import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path

CERTIFICATE, KEY = "server.pem", "server.key"
DAYS = 825


def certificate(folder: Path, host: str) -> Path:
    """Return the path of the certificate, made when it is not there; it is its own authority, for `host` and localhost."""
    path = folder / CERTIFICATE
    if not path.is_file():
        _make(folder, host)
    return path


def context(folder: Path) -> ssl.SSLContext:
    """Return what the server needs to speak TLS with the folder's certificate."""
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    made.load_cert_chain(folder / CERTIFICATE, folder / KEY)
    return made


def _make(folder: Path, host: str) -> None:
    # Imported here: only servers with TLS need it.
    from cryptography import x509  # noqa: PLC0415 - the reason above
    from cryptography.hazmat.primitives import hashes, serialization  # noqa: PLC0415
    from cryptography.hazmat.primitives.asymmetric import ec  # noqa: PLC0415

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localshift")])
    now = datetime.now(UTC)
    names: list[x509.GeneralName] = [x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
    try:
        names.append(x509.IPAddress(ipaddress.ip_address(host)))
    except ValueError:
        names.append(x509.DNSName(host))
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=DAYS))
        .add_extension(x509.SubjectAlternativeName(list(dict.fromkeys(names))), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    secret = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    (folder / KEY).touch(mode=0o600)
    (folder / KEY).write_bytes(secret)
    (folder / CERTIFICATE).write_bytes(made.public_bytes(serialization.Encoding.PEM))
