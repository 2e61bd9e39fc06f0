"""Which addresses a message may be sent to, decided on the resolved address and never on the text of a URL.

``127.1``, ``0x7f000001`` and ``2130706433`` are host names to a parser and loopback to the resolver, and ``ipaddress``
calls NAT64, 6to4 and multicast addresses global: so the table stands here, in the order it is asked. Sources: IANA's
special-purpose address registries (RFC 6890, 8190), RFC 6052 (NAT64), RFC 3056 (6to4), RFC 4380 (Teredo).
"""

from __future__ import annotations

from enum import StrEnum
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Literal, TypeAlias

from pydantic import Field, IPvAnyNetwork

from monitor.settings import Settings

Address: TypeAlias = IPv4Address | IPv6Address


class Scope(StrEnum):
    """What an address is for."""

    PUBLIC = "public"
    PRIVATE = "private"
    LOOPBACK = "loopback"
    LINK_LOCAL = "link_local"
    METADATA = "metadata"
    MULTICAST = "multicast"
    RESERVED = "reserved"
    UNSPECIFIED = "unspecified"


_NEVER = frozenset({Scope.LINK_LOCAL, Scope.METADATA, Scope.MULTICAST, Scope.RESERVED, Scope.UNSPECIFIED})

# "private" holds all that is not a public host: shared, documentation and benchmarking networks, anycast sinks.
_TABLE: dict[Scope, tuple[str, ...]] = {
    # The metadata services of clouds that do not stand on a link-local address: Alibaba, Oracle, Azure; AWS, GCP.
    Scope.METADATA: ("100.100.100.200/32", "192.0.0.192/32", "168.63.129.16/32", "fd00:ec2::/32", "fd20:ce::254/128"),
    Scope.UNSPECIFIED: ("0.0.0.0/8", "::/128"),
    Scope.LOOPBACK: ("127.0.0.0/8", "::1/128"),
    Scope.LINK_LOCAL: ("169.254.0.0/16", "fe80::/10"),
    Scope.MULTICAST: ("224.0.0.0/4", "ff00::/8"),
    Scope.RESERVED: ("240.0.0.0/4",),
    Scope.PRIVATE: (
        *("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10"),
        *("192.0.0.0/24", "192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24", "198.18.0.0/15"),
        *("192.88.99.0/24", "192.31.196.0/24", "192.52.193.0/24", "192.175.48.0/24"),
        *("fc00::/7", "fec0::/10", "2001::/23", "2001:db8::/32", "3fff::/20", "2620:4f:8000::/48"),
    ),
    Scope.PUBLIC: ("0.0.0.0/0", "2000::/3"),
}
_NETWORKS = tuple((ip_network(text), scope) for scope, texts in _TABLE.items() for text in texts)
_NAT64 = IPv6Network("64:ff9b::/96")


class EgressSettings(Settings):
    """Where messages may go."""

    egress: Literal["standard", "strict"] = Field(
        "standard", description="strict: receivers only at public addresses and in allow_networks"
    )
    allow_networks: tuple[IPvAnyNetwork, ...] = Field(
        (), description="networks that strict lets through, e.g. 10.1.0.0/16"
    )


def scope_of(address: Address) -> Scope:
    """Return what an address is for; one that carries an IPv4 address is judged by what it carries.

    >>> scope_of(ip_address("64:ff9b::a9fe:a9fe")), scope_of(ip_address("::ffff:8.8.8.8"))
    (<Scope.LINK_LOCAL: 'link_local'>, <Scope.PUBLIC: 'public'>)
    """
    if isinstance(address, IPv6Address):
        if address.ipv4_mapped is not None:
            return scope_of(address.ipv4_mapped)
        carried = _carried(address)
        if carried is not None:
            scope = scope_of(carried)
            return Scope.PRIVATE if scope is Scope.PUBLIC else scope
    return next((scope for network, scope in _NETWORKS if address in network), Scope.RESERVED)


def refused(address: Address, settings: EgressSettings) -> Scope | None:
    """Return why an address may not be called, or ``None`` if it may.

    Link-local, metadata, multicast, reserved and unspecified addresses are refused whatever the settings say.
    """
    scope = scope_of(address)
    if scope in _NEVER:
        return scope
    if settings.egress == "standard" or scope is Scope.PUBLIC:
        return None
    plain = address.ipv4_mapped if isinstance(address, IPv6Address) and address.ipv4_mapped else address
    return None if any(plain in network for network in settings.allow_networks) else scope


def read_address(text: str) -> Address:
    """Read the host of a socket address; an IPv6 zone is left out.

    Raises
    ------
    ValueError: the text is not a numeric address.
    """
    return ip_address(text.partition("%")[0])


def _carried(address: IPv6Address) -> IPv4Address | None:
    """Return the IPv4 address that a gateway would send to: NAT64, 6to4, Teredo."""
    if address in _NAT64:
        return IPv4Address(int(address) & 0xFFFFFFFF)
    if address.sixtofour is not None:
        return address.sixtofour
    return None if address.teredo is None else address.teredo[1]
