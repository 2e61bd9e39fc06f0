from __future__ import annotations

import socket
from collections.abc import Sequence
from dataclasses import dataclass, field
from ipaddress import ip_address
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from monitor.errors import DeliveryFailed, DeliveryRefused
from monitor.receivers import EgressSettings, Network, WebhookSettings, problem, send
from monitor.receivers.egress import read_address, refused, scope_of
from monitor.receivers.network import Target

SECRET = "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
STRICT = EgressSettings(egress="strict")
STANDARD = EgressSettings()


@dataclass
class Spy:
    """Resolves from a table as the system would, and counts what would have left the process."""

    names: dict[str, list[list[str]]] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    connected: list[str] = field(default_factory=list)

    def resolve(self, host: str, port: int) -> Sequence[Target]:
        """Return the next answer for a name; numeric forms are read as the C library reads them."""
        self.asked.append(host)
        if host in self.names:
            answers = self.names[host]
            return [target(text, port) for text in (answers.pop(0) if len(answers) > 1 else answers[0])]
        try:
            return [target(str(ip_address(host.replace("%25", "%"))), port)]
        except ValueError:
            return [target(socket.inet_ntoa(socket.inet_aton(host)), port)]

    def connect(self, target: Target, seconds: float) -> socket.socket:
        """Note the address and refuse, as a host without a listener."""
        self.connected.append(str(target.address[0]))
        raise ConnectionRefusedError(111, "Connection refused")

    def network(self, egress: EgressSettings) -> Network:
        """Return a network that leads nowhere."""
        return Network(egress, self.resolve, self.connect)


def target(text: str, port: int) -> Target:
    """Return the socket address that a resolver gives."""
    if ":" in text:
        return Target(socket.AF_INET6, (text, port, 0, 0))
    return Target(socket.AF_INET, (text, port))


def webhook(url: str) -> WebhookSettings:
    """Return the settings of a webhook."""
    return WebhookSettings.model_validate({"name": "job", "type": "webhook", "url": url, "secret": SECRET})


def reason(url: str, network: Network) -> str:
    """Return why a message did not get there."""
    try:
        send(webhook(url), "evt_a", b"{}", 0, network)
    except ValidationError:
        return "fault"
    except (DeliveryRefused, DeliveryFailed) as error:
        return error.reason
    return "delivered"


# Refused whatever the settings: link-local, metadata, multicast, reserved, unspecified, in every form.
NEVER = [
    "http://169.254.169.254/latest/meta-data/",
    "http://169.254.0.1/",
    "http://169.254.170.2/v2/credentials",
    "http://2852039166/",
    "http://0xa9fea9fe/",
    "http://0xA9.0xFE.0xA9.0xFE/",
    "http://169.16689662/",
    "http://169.254.43518/",
    "http://169。254。169。254/",
    "http://[::ffff:169.254.169.254]/",
    "http://[::ffff:a9fe:a9fe]/",
    "http://[64:ff9b::169.254.169.254]/",
    "http://[64:ff9b::a9fe:a9fe]/",
    "http://[64:ff9b:1::a9fe:a9fe]/",
    "http://[2002:a9fe:a9fe::1]/",
    "http://[2001:0:4136:e378:8000:63bf:5601:5601]/",
    "http://[::169.254.169.254]/",
    "http://[::ffff:0:169.254.169.254]/",
    "http://[fe80::1]/",
    "http://[febf::1]/",
    "http://[fd00:ec2::254]/latest/meta-data/",
    "http://[fd20:ce::254]/",
    "http://100.100.100.200/",
    "http://192.0.0.192/",
    "http://168.63.129.16/",
    "http://0.0.0.0:9000/",
    "http://0/",
    "http://00000/",
    "http://0.1.2.3/",
    "http://[::]:9000/",
    "http://[::ffff:0.0.0.0]/",
    "http://[64:ff9b::]/",
    "http://224.0.0.1/",
    "http://239.255.255.250:1900/",
    "http://[ff02::1]/",
    "http://[ff05::1:3]/",
    "http://240.0.0.1/",
    "http://255.255.255.255/",
    "http://[100::1]/",
    "http://[5f00::1]/",
    "http://[4000::1]/",
    "http://[::2]/",
]

# Refused under strict only.
INSIDE = [
    *("http://127.0.0.1:9000/retrain", "http://127.1/", "http://127.255.255.254/", "http://0x7f000001/"),
    *("http://2130706433/", "http://017700000001/", "http://127。0。0。1/", "http://[::1]/"),
    *("http://[0:0:0:0:0:0:0:1]/", "http://[::ffff:127.0.0.1]/", "http://[64:ff9b::127.0.0.1]/"),
    *("http://[2002:7f00:1::]/", "http://10.0.0.1/", "http://172.16.0.1/", "http://172.31.255.255/"),
    *("http://192.168.1.1/", "http://100.64.0.1/", "http://192.0.2.1/", "http://198.51.100.7/"),
    *("http://203.0.113.9/", "http://198.18.0.1/", "http://192.88.99.1/", "http://[fd12:3456::1]/"),
    *("http://[fc00::1]/", "http://[fec0::1]/", "http://[2001:db8::1]/", "http://[3fff::1]/"),
    *("http://[2001:2::1]/", "http://[64:ff9b::808:808]/", "http://[2002:808:808::1]/"),
    *("http://[::ffff:10.0.0.1]/",),
]

OUTSIDE = ["http://8.8.8.8/", "http://172.32.0.1/", "http://100.128.0.1/", "http://[2606:4700:4700::1111]/"]
OUTSIDE += ["http://[::ffff:8.8.8.8]/", "http://11.0.0.1/", "http://192.167.255.255/", "http://223.255.255.255/"]


@pytest.mark.parametrize("egress", [STANDARD, STRICT], ids=["standard", "strict"])
@pytest.mark.parametrize("url", NEVER)
def test_no_setting_opens_what_is_never_called(url: str, egress: EgressSettings) -> None:
    """Link-local, metadata, multicast, reserved and unspecified addresses get no connection, however written."""
    spy = Spy()
    assert reason(url, spy.network(egress)) == "address_refused"
    assert spy.connected == []


@pytest.mark.parametrize("url", INSIDE)
def test_strict_refuses_what_is_not_public(url: str) -> None:
    """Under strict, loopback, private and special networks get no connection, however written."""
    spy = Spy()
    assert reason(url, spy.network(STRICT)) == "address_refused"
    assert spy.connected == []


@pytest.mark.parametrize("url", INSIDE)
def test_standard_reaches_the_cluster(url: str) -> None:
    """Without strict, loopback and private networks are called, for jobs live there."""
    spy = Spy()
    assert reason(url, spy.network(STANDARD)) == "connect_failed"
    assert len(spy.connected) == 1


@pytest.mark.parametrize("url", OUTSIDE)
def test_strict_reaches_public_addresses(url: str) -> None:
    """Under strict, a public address is called, and it is the one that was checked."""
    spy = Spy()
    assert reason(url, spy.network(STRICT)) == "connect_failed"
    assert spy.connected == [str(spy.resolve(url.split("/")[2].strip("[]"), 80)[0].address[0])]


@pytest.mark.parametrize(
    "url",
    [
        "file:///etc/passwd",
        "gopher://127.0.0.1:70/",
        "ftp://hooks.example/",
        "unix:/run/docker.sock",
        "//hooks.example/",
        "hooks.example/path",
        "http://",
        "http:///path",
        "http://user:s3cretpw@hooks.example/",
        "http://hooks.example@169.254.169.254/",
        "http://hooks.example\\@169.254.169.254/",
        "http://hooks.example:99999/",
        "http://hooks.example:0/",
        "http://hooks.example:80:90/",
        "http://ex ample/",
        "http://hooks.example\n.evil/",
        "http://hooks.example\r\nX-Header: 1/",
        "http://%31%32%37.0.0.1/",
        "http://[::1",
        "http://[fe80::1%25eth0]/",
        "http://0251.0376.0251.0376/",
        "https:hooks.example",
        "",
    ],
)
def test_a_url_that_is_none_is_a_fault_of_the_config(url: str) -> None:
    """Another scheme, a user, a broken host or port is refused before anything is resolved."""
    spy = Spy()
    assert reason(url, spy.network(STANDARD)) == "fault"
    assert spy.asked == []


@pytest.mark.parametrize(
    ("networks", "url", "expected"),
    [
        (["10.1.0.0/16"], "http://10.1.2.3/", "connect_failed"),
        (["10.1.0.0/16"], "http://10.2.2.3/", "address_refused"),
        (["10.1.0.0/16"], "http://[::ffff:10.1.2.3]/", "connect_failed"),
        (["127.0.0.0/8"], "http://127.1:9000/", "connect_failed"),
        (["fd00::/8"], "http://[fd12::1]/", "connect_failed"),
        (["64:ff9b::/96"], "http://[64:ff9b::808:808]/", "connect_failed"),
        (["64:ff9b::/96"], "http://[64:ff9b::a9fe:a9fe]/", "address_refused"),
        (["0.0.0.0/0", "::/0"], "http://169.254.169.254/", "address_refused"),
        (["0.0.0.0/0", "::/0"], "http://[ff02::1]/", "address_refused"),
    ],
)
def test_allowed_networks_pass_strict_but_not_the_rule(networks: list[str], url: str, expected: str) -> None:
    """A network of the list passes under strict; what is never called is not made callable by it."""
    settings = EgressSettings.model_validate({"egress": "strict", "allow_networks": networks})
    assert reason(url, Spy().network(settings)) == expected


def test_a_name_is_judged_by_where_it_leads() -> None:
    """A public name that resolves to the metadata service gets no connection."""
    spy = Spy({"metadata.hooks.example": [["169.254.169.254"]]})
    assert reason("https://metadata.hooks.example/", spy.network(STANDARD)) == "address_refused"
    assert spy.connected == []


def test_of_several_addresses_only_those_allowed_are_called() -> None:
    """A name with a public and a loopback address is called at the public one alone."""
    spy = Spy({"hooks.example": [["127.0.0.1", "8.8.8.8", "::1", "2606:4700:4700::1111"]]})
    reason("http://hooks.example/", spy.network(STRICT))
    assert spy.connected == ["8.8.8.8", "2606:4700:4700::1111"]


def test_a_rebound_name_is_not_asked_twice() -> None:
    """A name server that answers publicly first and then loopback is asked once, and the first answer is called."""
    spy = Spy({"rebind.example": [["8.8.8.8"], ["127.0.0.1"]]})
    reason("http://rebind.example/", spy.network(STRICT))
    assert (spy.asked, spy.connected) == (["rebind.example"], ["8.8.8.8"])


def test_the_next_delivery_checks_anew() -> None:
    """A name that has come to lead inside is refused at the next delivery."""
    spy = Spy({"rebind.example": [["8.8.8.8"], ["127.0.0.1"]]})
    network = spy.network(STRICT)
    assert [reason("http://rebind.example/", network) for _ in range(2)] == ["connect_failed", "address_refused"]
    assert spy.connected == ["8.8.8.8"]


def test_problem_tells_what_a_delivery_would_meet() -> None:
    """The check of a receiver names the address it resolves to, and neither connects nor shows the path."""
    spy = Spy({"hooks.example": [["169.254.169.254"]]})
    told = problem(webhook("https://hooks.example/s3cret"), spy.network(STANDARD))
    assert told == "https://hooks.example/...: resolves to an address that is link_local (169.254.169.254)"
    assert spy.connected == []


def test_no_problem_is_none() -> None:
    """A receiver whose address may be called has no problem."""
    assert problem(webhook("https://8.8.8.8/"), Spy().network(STRICT)) is None


@given(st.ip_addresses())
def test_strict_lets_through_nothing_that_python_calls_private(address: Any) -> None:
    """Whatever ``ipaddress`` itself says is not global, strict refuses too."""
    if not address.is_global:
        assert refused(address, STRICT) is not None


@given(st.ip_addresses(v=4))
def test_an_address_and_its_mapped_form_have_one_scope(address: Any) -> None:
    """An IPv4 address written as IPv6 is what it was."""
    assert scope_of(ip_address(f"::ffff:{address}")) is scope_of(address)


def test_a_zone_is_no_part_of_an_address() -> None:
    """The interface named behind an IPv6 address does not hide what the address is."""
    assert scope_of(read_address("fe80::1%eth0")) == "link_local"
