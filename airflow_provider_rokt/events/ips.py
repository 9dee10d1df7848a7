"""IP addresses in all the forms that servers log and databases return."""

import re
from collections.abc import Iterator
from ipaddress import IPv4Address, IPv4Interface, IPv6Address, IPv6Interface, ip_address, ip_interface, ip_network
from socket import AF_INET6, inet_ntop, inet_pton
from typing import Final, TypeAlias

from airflow_provider_rokt.events.values import BadValue, text

_Address: TypeAlias = IPv4Address | IPv6Address

# ipaddress takes 4 µs an address; nearly all are four of these, or what the C library can read.
_OCTETS: Final = frozenset(map(str, range(256)))
# RFC 3986 §3.2.2: an IPv6 address stands in brackets before a port.
_BRACKETED: Final = re.compile(r"\[([^\]]+)\](?::[0-9]{1,5})?")
_WITH_PORT: Final = re.compile(r"([0-9.]+):[0-9]{1,5}")
# RFC 7239's Forwarded; X-Forwarded-For has the addresses alone. Other parts, as by=, name proxies.
_FOR: Final = re.compile(r"(?i)(?:^|;)\s*for\s*=\s*([^;]*)")
_PACKED: Final = (4, 16)
# A forwarded list as JSON: ["203.0.113.42", "10.0.0.1"].
_JSON_LIST: Final = re.compile(r'\[\s*"[^\[\]"]*"\s*(?:,\s*"[^\[\]"]*"\s*)*\]')
_JSON_SIGNS: Final = re.compile(r'[\[\]"\s]')
# Networks that no customer comes from: of one house (RFC 1918, 6598, 4193), one link, one machine, or of many.
# ipaddress' own is_private is no help: it counts the documentation's addresses, the guide's 203.0.113.42 among them.
_INTERNAL: Final = tuple(
    ip_network(network)
    for network in (
        *("0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12"),
        *("192.168.0.0/16", "224.0.0.0/3", "::/127", "fc00::/7", "fe80::/10", "ff00::/8"),
    )
)
_NO_ADDRESS: Final = "not an IPv4 or IPv6 address"
_NO_HOST: Final = "not the IPv4 or IPv6 address of one host"


def ip(value: object) -> str | None:
    """An IPv4 or IPv6 address, from text or from the objects some drivers return; of a forwarded list the first public.

    A port and a zone are left out, and an IPv4 address written as IPv6 becomes IPv4 again.

    :raises BadValue: if it is neither, or a network, or a list of internal addresses only.
    """
    if type(value) is str:
        octets = value.split(".")
        if len(octets) == 4 and _OCTETS.issuperset(octets):
            return value
        if ":" in value and (plain := _plain_ipv6(value)):
            return plain
    written = _unpacked(value) or text(value)
    if written is None:
        return None
    if written[:1] == "[" and _JSON_LIST.fullmatch(written):
        written = _JSON_SIGNS.sub("", written)
    if "," in written or "=" in written:
        return str(_client(written))
    return str(_host(written))


def _unpacked(value: object) -> str | None:
    """An address that is no text: MySQL's INET6_ATON has its 4 or 16 bytes, psycopg2 an object of its own."""
    if isinstance(value, (bytes, bytearray, memoryview)):
        raw = bytes(value)
        # Bytes that can be read are text, filled up with NULs or not, and "none" is no address.
        letters = raw.rstrip(b"\0")
        is_text = letters.isascii() and letters.decode("ascii").isprintable() and bool(letters)
        return str(ip_address(raw)) if len(raw) in _PACKED and not is_text else None
    if type(value).__name__ == "Inet" and type(value).__module__.startswith("psycopg2"):
        return text(getattr(value, "addr", None))
    return None


def _plain_ipv6(written: str) -> str | None:
    """The shortest spelling of an IPv6 address; None for none, or one that may hold an IPv4 address."""
    try:
        packed = inet_pton(AF_INET6, written)
    except (OSError, ValueError):  # ValueError: a NUL, or no ASCII
        return None
    return inet_ntop(AF_INET6, packed) if any(packed[:10]) else None


def _client(forwarded: str) -> _Address:
    """The client is named first; what comes before the first public address are proxies in its own house."""
    for address in _addresses(forwarded):
        if not any(address in network for network in _INTERNAL):
            return address
    raise BadValue("a list without a public IP address")


def _addresses(forwarded: str) -> Iterator[_Address]:
    for hop in forwarded.split(","):
        named = _FOR.search(hop)
        try:
            yield _host((named[1] if named else hop).strip().strip('"'))
        except BadValue:
            # "unknown", a hidden name, or what the client made up: the next hop tells.
            continue


def _host(written: str) -> _Address:
    match = _BRACKETED.fullmatch(written) or _WITH_PORT.fullmatch(written)
    host, slash, prefix = (match[1] if match else written).partition("/")
    host, zone, _ = host.partition("%")
    try:
        address = ip_address(host)
        interface = ip_interface(f"{host}/{prefix}") if slash else None
    except ValueError:
        raise BadValue(_NO_ADDRESS) from None
    # PostgreSQL writes an inet with the length of its network; without host bits it is the network. And a zone of a
    # link means something on one machine only.
    if (interface and _is_network(interface)) or (zone and address.is_link_local):
        raise BadValue(_NO_HOST)
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address


def _is_network(interface: IPv4Interface | IPv6Interface) -> bool:
    return interface.network.num_addresses > 1 and interface.ip == interface.network.network_address
