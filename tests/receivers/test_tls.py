from __future__ import annotations

import ssl
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import trustme

from monitor.errors import DeliveryFailed
from monitor.receivers import Network, WebhookSettings, send
from tests.scripted_http import answer, scripted, silent

SECRET = "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
YESTERDAY = datetime.now(UTC) - timedelta(days=1)


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    """Return an authority of the test's own."""
    return trustme.CA()


@pytest.fixture
def ca_file(authority: trustme.CA, tmp_path: Path) -> Path:
    """Return a file with the authority's certificate."""
    path = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(str(path))
    return path


def server_side(certificate: trustme.LeafCert) -> ssl.SSLContext:
    """Return the server's side of a certificate."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certificate.configure_cert(context)
    return context


def deliver(url: str, ca_file: Path | None, root: Path = Path()) -> None:
    """Send a message once."""
    given = {"name": "job", "type": "webhook", "url": url, "secret": SECRET, "timeout": "1s", "ca_file": ca_file}
    send(WebhookSettings.model_validate(given), "evt_a", b"{}", 0, Network(root=root))


def refusal(context: ssl.SSLContext | None, ca_file: Path | None) -> str:
    """Return what sending to a server with a certificate raises; it must not have got the request."""
    with scripted(answer(200), tls=context) as server:
        with pytest.raises(DeliveryFailed) as caught:
            deliver(f"https://127.0.0.1:{server.port}/", ca_file)
        assert server.requests == []
    return f"{caught.value.reason}: {caught.value}"


def test_a_private_authority_is_trusted_when_named(authority: trustme.CA, ca_file: Path) -> None:
    """A receiver in the cluster is reached by TLS with the authority's file, which may be relative to the config."""
    with scripted(answer(200), tls=server_side(authority.issue_cert("127.0.0.1"))) as server:
        deliver(f"https://127.0.0.1:{server.port}/", Path(ca_file.name), ca_file.parent)
    assert len(server.requests) == 1


def test_an_expired_certificate_is_named(authority: trustme.CA, ca_file: Path) -> None:
    """An expired certificate ends the delivery, and the operator reads why."""
    context = server_side(authority.issue_cert("127.0.0.1", not_after=YESTERDAY))
    assert "certificate has expired" in refusal(context, ca_file)


def test_a_certificate_of_another_host_is_named(authority: trustme.CA, ca_file: Path) -> None:
    """A certificate for another name ends the delivery."""
    assert "not valid for '127.0.0.1'" in refusal(server_side(authority.issue_cert("other.example")), ca_file)


def test_an_unknown_authority_is_named(authority: trustme.CA) -> None:
    """A certificate of an authority that is not public ends the delivery unless its file is named."""
    assert "tls_failed: " in refusal(server_side(authority.issue_cert("127.0.0.1")), None)


def test_a_receiver_without_tls_gets_nothing_in_the_clear(ca_file: Path) -> None:
    """Behind an https address where plain HTTP is spoken, no request is ever seen."""
    assert "timeout" in refusal(None, ca_file)


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion:DeprecationWarning")
def test_an_old_protocol_is_refused(authority: trustme.CA, ca_file: Path) -> None:
    """A receiver that speaks TLS 1.1 at most gets nothing."""
    context = server_side(authority.issue_cert("127.0.0.1"))
    context.minimum_version = ssl.TLSVersion.TLSv1
    context.maximum_version = ssl.TLSVersion.TLSv1_1
    assert "tls_failed" in refusal(context, ca_file)


def test_a_handshake_that_hangs_ends_with_the_deadline(ca_file: Path) -> None:
    """A receiver that accepts the connection and says nothing costs no more than the deadline."""
    with scripted(silent) as server:
        began = time.monotonic()
        with pytest.raises(DeliveryFailed) as caught:
            deliver(f"https://127.0.0.1:{server.port}/", ca_file)
    assert caught.value.reason == "timeout"
    assert time.monotonic() - began < 2


def test_a_ca_file_that_is_missing_may_come(tmp_path: Path) -> None:
    """A file of certificates that is not there is a failure that may pass, and is named."""
    with pytest.raises(DeliveryFailed, match="ca_file cannot be read"):
        deliver("https://127.0.0.1:9/", tmp_path / "none.pem")


def test_a_changed_ca_file_is_read_anew(authority: trustme.CA, ca_file: Path) -> None:
    """An authority that was exchanged is trusted without a restart."""
    with scripted(answer(200), tls=server_side(authority.issue_cert("127.0.0.1"))) as server:
        url = f"https://127.0.0.1:{server.port}/"
        trustme.CA().cert_pem.write_to_path(str(ca_file))
        with pytest.raises(DeliveryFailed):
            deliver(url, ca_file)
        authority.cert_pem.write_to_path(str(ca_file))
        deliver(url, ca_file)
    assert len(server.requests) == 1
