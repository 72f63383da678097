"""Ethernet frames, true and false, and who sees them.

frames.py send MAC ADDRESS      the frames of a guest with these addresses, each with its name in it
frames.py datagram INTERFACE MAC SOURCE DESTINATION PORT NAME
                                one UDP datagram, to this MAC whatever the routes say
frames.py see INTERFACE         prints the name in each frame that comes by, until killed
"""

import ipaddress
import socket
import struct
import sys

EVERY_PROTOCOL = 3
BROADCAST = b"\xff" * 6
FOREIGN_MAC = bytes.fromhex("020000000063")


def checksum(data):
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def name(text):
    return f"<<{text}>>".encode()


def ethernet(source, kind, payload, destination=BROADCAST):
    return destination + source + struct.pack("!H", kind) + payload


def ipv4(source, text, destination=bytes([255] * 4), port=9):
    """A UDP datagram, to everybody by default."""
    udp = struct.pack("!4H", 9, port, 8 + len(text), 0) + text
    head = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(udp), 0, 0, 64, 17, 0)
    head += source + destination
    return head[:10] + struct.pack("!H", checksum(head)) + head[12:] + udp


def arp(mac, address, text):
    """"address is at mac", as a reply that nobody asked for."""
    head = struct.pack("!HHBBH", 1, 0x0800, 6, 4, 2)
    return head + mac + address + BROADCAST + address + text


def router_advertisement(text):
    message = struct.pack("!BBHBBHII", 134, 0, 0, 64, 0, 1800, 0, 0) + text
    source = ipaddress.ip_address("fe80::1").packed
    destination = ipaddress.ip_address("ff02::1").packed
    return struct.pack("!IHBB", 6 << 28, len(message), 58, 255) + source + destination + message


def frames(mac, address):
    other = address[:3] + bytes([99])
    tagged = struct.pack("!HH", 1, 0x0800)
    return [
        ethernet(mac, 0x0800, ipv4(address, name("true IPv4"))),
        ethernet(mac, 0x0806, arp(mac, address, name("true ARP"))),
        ethernet(mac, 0x0800, ipv4(other, name("IPv4 of another address"))),
        ethernet(FOREIGN_MAC, 0x0800, ipv4(address, name("IPv4 of another MAC"))),
        ethernet(mac, 0x0806, arp(mac, other, name("ARP of another address"))),
        ethernet(mac, 0x0806, arp(FOREIGN_MAC, address, name("ARP of another MAC"))),
        ethernet(FOREIGN_MAC, 0x0806, arp(mac, address, name("ARP from another MAC"))),
        ethernet(mac, 0x86DD, router_advertisement(name("IPv6 router advertisement"))),
        ethernet(mac, 0x8100, tagged + ipv4(address, name("IPv4 in a VLAN"))),
        ethernet(mac, 0x88B5, name("another protocol")),
        # What is sent last comes last: then the others have come, or never will.
        ethernet(mac, 0x0800, ipv4(address, name("the end"))),
    ]


def packets(interface):
    """A socket for the raw frames of an interface."""
    opened = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(EVERY_PROTOCOL))
    opened.bind((interface, 0))
    return opened


def mac_address(text):
    return bytes.fromhex(text.replace(":", ""))


match sys.argv[1:]:
    case ["send", mac, address]:
        sender = packets("eth0")
        for frame in frames(mac_address(mac), socket.inet_aton(address)):
            sender.send(frame.ljust(60, b"\0"))
    case ["datagram", interface, mac, source, destination, port, text]:
        sender = packets(interface)
        addresses = map(socket.inet_aton, (source, destination))
        payload = ipv4(next(addresses), name(text), next(addresses), int(port))
        own = sender.getsockname()[4]
        sender.send(ethernet(own, 0x0800, payload, mac_address(mac)).ljust(60, b"\0"))
    case ["see", interface]:
        listener = packets(interface)
        print("listening", flush=True)
        while True:
            frame = listener.recv(2048)
            if b"<<" in frame:
                print(frame.split(b"<<")[1].split(b">>")[0].decode(), flush=True)
