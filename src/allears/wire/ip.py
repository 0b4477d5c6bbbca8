"""UDP datagrams out of captured frames (RFC 768, 791, 8200) and into raw IP packets.

Whatever is not a whole UDP datagram gives None: in a capture it is somebody else's traffic, or was
cut short. Fragments are not put together again, and checksums are not looked at, since a sender's
own capture is taken before its network card fills them in.
"""

import struct
from collections.abc import Callable
from functools import lru_cache
from ipaddress import ip_address
from typing import NamedTuple

Address = tuple[str, int]
"""An IP address in text and a port."""

LINK_RAW_IP = 101
"""The link type of packets that begin with their IPv4 or IPv6 header."""

_IPV4, _IPV6 = 0x0800, 0x86DD
_VLAN_TAGS = (0x8100, 0x88A8, 0x9100)
# AF_INET everywhere, and AF_INET6 on Linux, Windows, NetBSD, FreeBSD and macOS.
_ADDRESS_FAMILIES = (2, 10, 23, 24, 28, 30)
_UDP = 17
_FRAGMENT, _AUTHENTICATION = 44, 51
_IPV6_EXTENSIONS = (0, 43, _FRAGMENT, _AUTHENTICATION, 60)
_PORTS = struct.Struct(">HHHH")


class Frame(NamedTuple):
    """A captured frame: seconds since the epoch, link type (LINKTYPE_…) and bytes."""

    time: float
    link_type: int
    data: bytes


class Packet(NamedTuple):
    """A UDP datagram without its headers."""

    source: Address
    destination: Address
    payload: bytes


def knows(link_type: int) -> bool:
    """Return whether `decapsulate` reads frames of this link type."""
    return link_type in _LINKS


def decapsulate(frame: Frame) -> Packet | None:
    """Take the UDP datagram out of a frame; None if it holds no whole one."""
    start = _LINKS[frame.link_type](frame.data) if knows(frame.link_type) else None
    if start is None or start >= len(frame.data):
        return None
    packet = frame.data[start:]
    version = packet[0] >> 4
    if version == 4:
        return _ipv4(packet)
    return _ipv6(packet) if version == 6 else None


def encapsulate(packet: Packet) -> bytes:
    """Wrap a datagram in UDP and IP headers, checksums filled in.

    Raises ValueError for addresses that are not IP or not of one version, a port over 16 bits, or a
    payload that the length fields cannot express.
    """
    (source, source_port), (destination, destination_port), payload = packet
    hosts = _packed(source), _packed(destination)
    if len(hosts[0]) != len(hosts[1]):
        raise ValueError(f"{source} and {destination} are not of one IP version")
    if not (0 <= source_port <= 0xFFFF and 0 <= destination_port <= 0xFFFF):
        raise ValueError(f"ports are 0 to 65535: {source_port}, {destination_port}")
    length = 8 + len(payload)
    if length > (0xFFFF - 20 if len(hosts[0]) == 4 else 0xFFFF):  # IPv4 counts its own header
        raise ValueError(f"{len(payload)} bytes are too many for one UDP datagram")
    ends = b"".join(hosts)
    ports = source_port, destination_port, length
    pseudo = ends + struct.pack(">HH", _UDP, length)
    # Zero would mean "no checksum", so UDP sends its equal in ones' complement.
    checksum = _checksum(pseudo + _PORTS.pack(*ports, 0) + payload) or 0xFFFF
    return _ip_header(ends, length) + _PORTS.pack(*ports, checksum) + payload


def _ip_header(ends: bytes, length: int) -> bytes:
    """Return a plain header for `length` bytes of UDP; `ends` is both addresses, packed."""
    if len(ends) == 32:
        return struct.pack(">IHBB", 6 << 28, length, _UDP, 64) + ends
    fields = 0x45, 0, 20 + length, 0, 0x4000, 64, _UDP  # 0x4000: not to be fragmented
    checksum = _checksum(struct.pack(">BBHHHBB", *fields) + ends)
    return struct.pack(">BBHHHBBH", *fields, checksum) + ends


def _checksum(data: bytes) -> int:
    """Return the Internet checksum (RFC 1071).

    2^16 is 1 modulo 2^16 − 1, so the ones' complement sum of the words is the number they spell.
    """
    total = int.from_bytes(data + bytes(len(data) % 2), "big") % 0xFFFF
    return (0xFFFF - total) % 0xFFFF


def _u16(data: bytes, position: int) -> int:
    """Return two bytes as a number; beyond the end 0, which no caller takes for a protocol."""
    return int.from_bytes(data[position : position + 2], "big")


def _after_type(frame: bytes, type_at: int, start: int) -> int | None:
    """Return where IP starts, past any VLAN tags (IEEE 802.1Q), if the EtherType says IP."""
    kind = _u16(frame, type_at)
    while kind in _VLAN_TAGS:
        kind = _u16(frame, start + 2)
        start += 4
    return start if kind in (_IPV4, _IPV6) else None


def _after_family(frame: bytes) -> int | None:
    """Return where IP starts after a BSD address family, in the byte order of whoever captured."""
    family = frame[:4]
    orders = int.from_bytes(family, "big"), int.from_bytes(family, "little")
    return 4 if any(number in _ADDRESS_FAMILIES for number in orders) else None


_LINKS: dict[int, Callable[[bytes], int | None]] = {
    0: _after_family,  # BSD null
    1: lambda frame: _after_type(frame, 12, 14),  # Ethernet
    LINK_RAW_IP: lambda _: 0,
    108: _after_family,  # OpenBSD loopback
    113: lambda frame: _after_type(frame, 14, 16),  # Linux cooked
    228: lambda _: 0,  # IPv4
    229: lambda _: 0,  # IPv6
    276: lambda frame: _after_type(frame, 0, 20),  # Linux cooked, version 2
}


def _ipv4(packet: bytes) -> Packet | None:
    header, end = 4 * (packet[0] & 0x0F), _u16(packet, 2)
    if not 20 <= header <= end <= len(packet) or packet[9] != _UDP:
        return None
    if _u16(packet, 6) & 0x3FFF:  # a fragment: more follow, or its offset is not 0
        return None
    return _udp(packet[12:16], packet[16:20], packet[header:end])


def _ipv6(packet: bytes) -> Packet | None:
    end = 40 + _u16(packet, 4)
    if end > len(packet):
        return None
    kind, position = packet[6], 40
    while kind in _IPV6_EXTENSIONS:
        if position + 8 > end:
            return None
        length = packet[position + 1]
        if kind == _FRAGMENT:
            if _u16(packet, position + 2) & 0xFFF9:
                return None
            step = 8
        else:
            step = 4 * (length + 2) if kind == _AUTHENTICATION else 8 * (length + 1)
        kind = packet[position]
        position += step
    return _udp(packet[8:24], packet[24:40], packet[position:end]) if kind == _UDP else None


def _udp(source: bytes, destination: bytes, segment: bytes) -> Packet | None:
    if len(segment) < 8:
        return None
    source_port, destination_port, length, _ = _PORTS.unpack_from(segment)
    if not 8 <= length <= len(segment):
        return None
    return Packet(
        (_text(source), source_port), (_text(destination), destination_port), segment[8:length]
    )


@lru_cache(maxsize=1024)
def _text(packed: bytes) -> str:
    return str(ip_address(packed))


@lru_cache(maxsize=1024)
def _packed(text: str) -> bytes:
    return ip_address(text).packed
