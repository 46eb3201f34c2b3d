"""Parts that other machines, such as containers, reach by name."""

from __future__ import annotations

import socket
import ssl
import threading
from pathlib import Path

from azure_emulator.azurite import azurite_command
from azure_emulator.certificates import ensure_certificates
from cryptography import x509


def names_of(certificate: Path) -> list[str]:
    """The names that a certificate is good for."""
    read = x509.load_pem_x509_certificate(certificate.read_bytes())
    names = read.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    return names.get_values_for_type(x509.DNSName)


def test_a_certificate_is_good_for_the_names_that_were_asked_for(tmp_path: Path) -> None:
    """A later name makes another certificate of the same authority; no name keeps what is there."""
    first = ensure_certificates(tmp_path)
    authority = first.ca.read_bytes()
    assert names_of(first.certificate) == ["localhost"]
    named = ensure_certificates(tmp_path, ("storage", "azure"))
    assert names_of(named.certificate) == ["localhost", "storage", "azure"]
    content = named.certificate.read_bytes()
    for names in ((), ("azure",)):
        assert ensure_certificates(tmp_path, names).certificate.read_bytes() == content
    assert named.ca.read_bytes() == authority


def test_a_client_that_trusts_the_authority_accepts_a_server_by_its_name(tmp_path: Path) -> None:
    """As one container calls another."""
    tls = ensure_certificates(tmp_path, ("storage",))
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(tls.certificate, tls.key)
    ours, theirs = socket.socketpair()
    with ours, theirs:
        thread = threading.Thread(
            target=lambda: server.wrap_socket(theirs, server_side=True).close()
        )
        thread.start()
        client = ssl.create_default_context(cafile=str(tls.ca))
        with client.wrap_socket(ours, server_hostname="storage") as connected:
            assert connected.version() in ("TLSv1.2", "TLSv1.3")
        thread.join()


def test_azurite_listens_where_it_is_told(tmp_path: Path) -> None:
    """On loopback unless something else is asked for."""
    tls = ensure_certificates(tmp_path)
    ports = {"blob": 1, "queue": 2, "table": 3}
    usual = azurite_command(tmp_path, tls, ports)
    assert [usual[usual.index(f"--{kind}Host") + 1] for kind in ports] == ["127.0.0.1"] * 3
    told = azurite_command(tmp_path, tls, ports, "0.0.0.0")
    assert [told[told.index(f"--{kind}Host") + 1] for kind in ports] == ["0.0.0.0"] * 3
