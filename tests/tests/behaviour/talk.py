"""Both ends of a conversation over the network.

talk.py serve NAME PORT...   answers over TCP and UDP with "NAME sees ADDRESS", then echoes lines
talk.py ask TARGET...        tcp/ADDRESS/PORT, udp/ADDRESS/PORT, ping/ADDRESS: a line of answer each
talk.py hold ADDRESS PORT    a TCP connection: its greeting, then a reply to each line of stdin
"""

import socket
import struct
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

PATIENCE = 3
IP_PKTINFO = 8


def converse(name, connection, peer):
    with connection, connection.makefile("rw") as lines:
        print(f"{name} sees {peer[0]}", file=lines, flush=True)
        for line in lines:
            lines.write(line)
            lines.flush()


def serve_tcp(name, port):
    server = socket.create_server(("", port))
    while True:
        threading.Thread(target=converse, args=(name, *server.accept()), daemon=True).start()


def serve_udp(name, port):
    server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    server.setsockopt(socket.IPPROTO_IP, IP_PKTINFO, 1)
    server.bind(("", port))
    while True:
        _, ((_, _, called),), _, peer = server.recvmsg(512, 64)
        # From the address that was called, which need not be the nearest one to the caller.
        source = struct.pack("I4s4s", 0, called[4:8], bytes(4))
        answer = f"{name} sees {peer[0]}\n".encode()
        server.sendmsg([answer], [(socket.IPPROTO_IP, IP_PKTINFO, source)], 0, peer)


def ask_udp(address, port):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.settimeout(PATIENCE)
        client.connect((address, int(port)))
        client.send(b"?")
        return client.recv(512).decode().strip()


def ask_tcp(address, port):
    with socket.create_connection((address, int(port)), PATIENCE) as client:
        return client.makefile().readline().strip()


def ask_ping(address):
    command = ["ping", "-c1", f"-W{PATIENCE}", address]
    ping = subprocess.run(command, capture_output=True, text=True)
    return "pong" if ping.returncode == 0 else ping.stderr.strip() or "silence"


def ask(target):
    kind, *where = target.split("/")
    try:
        return {"tcp": ask_tcp, "udp": ask_udp, "ping": ask_ping}[kind](*where) or "an empty answer"
    except TimeoutError:
        return "silence"
    except ConnectionRefusedError:
        return "refused"
    except OSError as error:
        return error.strerror


def hold(address, port):
    with socket.create_connection((address, int(port)), PATIENCE) as client:
        with client.makefile("rw") as lines:
            print(lines.readline().strip(), flush=True)
            for line in sys.stdin:
                lines.write(line)
                lines.flush()
                print("echo", lines.readline().strip(), flush=True)


match sys.argv[1:]:
    case ["serve", name, *ports]:
        servers = [
            threading.Thread(target=serve, args=(name, int(port)))
            for port in ports
            for serve in (serve_tcp, serve_udp)
        ]
        for server in servers:
            server.start()
    case ["ask", *targets]:
        with ThreadPoolExecutor(len(targets)) as pool:
            print("\n".join(pool.map(ask, targets)))
    case ["hold", address, port]:
        hold(address, port)
