"""Hosts in a network of their own: each is a network namespace with a cable to one switch.

The files and the processes are those of this machine; connections are not. Needs root, on Linux.
"""

from __future__ import annotations

import ctypes
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.support.running import wait_for

_CLONE_NEWNET = 0x40000000
_OWN = Path("/proc/thread-self/ns/net")
# How long a namespace is held at most, if nobody ends its process.
_SECONDS = 1800


class NoNetwork(Exception):
    """This machine allows no networks of one's own."""


class Network:
    """Hosts with the addresses 10.77.0.1, 10.77.0.2, ..., and a switch at 10.77.0.254."""

    def __init__(self, *hosts: str) -> None:
        """Raises `NoNetwork`."""
        self.addresses = {host: f"10.77.0.{n}" for n, host in enumerate(hosts, 1)}
        self._processes: dict[str, subprocess.Popen[bytes]] = {}
        try:
            self._add("switch")
            self._in("switch", "link", "add", "switch0", "type", "bridge")
            self._in("switch", "addr", "add", "10.77.0.254/24", "dev", "switch0")
            self._in("switch", "link", "set", "switch0", "up")
            for host, address in self.addresses.items():
                pid = str(self._add(host).pid)
                names = f"to-{host}", "type", "veth", "peer", "name", "cable", "netns", pid
                self._in("switch", "link", "add", *names)
                self._in("switch", "link", "set", f"to-{host}", "master", "switch0")
                self._in(host, "addr", "add", f"{address}/24", "dev", "cable")
                self._in(host, "link", "set", "cable", "up")
                self.join(host)
        except (OSError, AssertionError, subprocess.CalledProcessError) as error:
            self.close()
            raise NoNetwork from error

    def cut(self, host: str) -> None:
        """Unplugs the cable of a host: packets are lost, and no connection is closed."""
        self._in("switch", "link", "set", f"to-{host}", "down")

    def join(self, host: str) -> None:
        """Plugs it in again."""
        self._in("switch", "link", "set", f"to-{host}", "up")

    @contextmanager
    def inside(self, host: str) -> Iterator[None]:
        """This thread, and what it starts, is on a host."""
        with _OWN.open() as before, self._namespace(host).open() as there:
            _enter(there.fileno())
            try:
                yield
            finally:
                _enter(before.fileno())

    def close(self) -> None:
        for process in self._processes.values():
            process.kill()
            process.wait()

    def _add(self, host: str) -> subprocess.Popen[bytes]:
        command = ["unshare", "--net", "sleep", str(_SECONDS)]
        process = self._processes[host] = subprocess.Popen(command, stderr=subprocess.DEVNULL)

        def is_apart() -> bool:
            assert process.poll() is None
            return os.readlink(self._namespace(host)) != os.readlink(_OWN)

        wait_for(is_apart, 10)
        self._in(host, "link", "set", "lo", "up")
        return process

    def _namespace(self, host: str) -> Path:
        return Path(f"/proc/{self._processes[host].pid}/ns/net")

    def _in(self, host: str, *arguments: str) -> None:
        command = ["nsenter", f"--net={self._namespace(host)}", "ip", *arguments]
        subprocess.run(command, check=True, capture_output=True)


def _enter(namespace: int) -> None:
    if ctypes.CDLL(None, use_errno=True).setns(namespace, _CLONE_NEWNET):
        raise OSError(ctypes.get_errno(), "setns")
