"""A network and a mount namespace of our own, and the processes in it.

Everything that is started here lies in one control group, so that `destroy` ends all of it and
nothing else, whatever became of the process that made it. With the last process the namespaces go,
and with them every address, route, firewall rule and mount. Needs root on Linux.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path

from tests.cluster import control_groups
from tests.cluster.kube import until

GROUP = "parley-node"
# The node's own address, and that of the other end of the wire, on this machine's side.
NODE_ADDRESS = "10.199.0.2"
HOST_ADDRESS = "10.199.0.1"
HOST_DEVICE = "parley0"
# Folders at fixed paths that the node's programs write to: each gets a file system of its own.
PRIVATE_FOLDERS = ("/run/netns", "/run/containerd", "/var/log/containers", "/var/lib/cni")
# Lists, in the state folder, which of them were not there before.
MADE = "made-folders"


class SandboxError(Exception):
    """The sandbox could not be made; the message says what is missing."""


@dataclass(frozen=True)
class Sandbox:
    """pid: of the process that holds the namespaces open.  state: folder of logs and data.

    group: path of its control group.
    """

    pid: int
    state: Path
    group: str = GROUP

    def entered(self, command: Sequence[str]) -> list[str]:
        """A command that runs inside; the control group is joined first and so inherited."""
        joined = 'echo $$ > "$0" && exec "$@"'
        inside = ["nsenter", "-t", str(self.pid), "--net", "--mount", "--", *command]
        return [
            "sh",
            "-c",
            joined,
            str(control_groups.daemons(self.group) / "cgroup.procs"),
            *inside,
        ]

    def start(self, name: str, command: Sequence[str]) -> None:
        """Start a daemon; its output goes to `<state>/logs/<name>.log`."""
        logs = self.state / "logs"
        logs.mkdir(exist_ok=True)
        recorded = ["sh", "-c", 'echo $$ > "$0" && exec "$@"', str(self._pid_file(name)), *command]
        _start(self.entered(recorded), logs / f"{name}.log")

    def stop(self, name: str) -> None:
        """End a daemon by SIGTERM; fine when it has ended. Raises TimeoutError."""
        file = self._pid_file(name)
        if not file.exists():
            return
        number = int(file.read_text())
        with suppress(ProcessLookupError):
            os.kill(number, signal.SIGTERM)
        until(lambda: not Path("/proc", str(number)).exists(), f"the end of {name}", 30)
        file.unlink()

    def _pid_file(self, name: str) -> Path:
        return self.state / "logs" / f"{name}.pid"

    def run(self, command: Sequence[str], timeout: float = 60) -> str:
        """Run a command inside to its end; its output. Raises SandboxError."""
        return _run(self.entered(command), timeout)


def create(state: Path) -> Sandbox:
    """A new sandbox with the node's address up. Raises SandboxError."""
    if os.geteuid() != 0:
        raise SandboxError("a cluster of our own needs root; or set KUBECONFIG to use another one")
    if find(state):
        raise SandboxError("a node is up already: take it down with `make cluster-down`")
    # What a node has left that ended with its machine.
    destroy(state)
    state.mkdir(parents=True, exist_ok=True)
    control_groups.make(GROUP)
    _make_private_folders(state)
    sandbox = Sandbox(_hold(state, GROUP), state)
    _connect(sandbox)
    return sandbox


def join(first: Sandbox, name: str, address: str) -> Sandbox:
    """A second sandbox, on a wire to the first one, through which it reaches everything.

    address: its own; the other end of the wire gets the one before. Raises SandboxError.
    """
    state, group = first.state / name, f"{first.group}/{name}"
    state.mkdir()
    control_groups.make(group)
    second = Sandbox(_hold(state, group), state, group)
    before = str(ip_address(address) - 1)
    device = ["link", "add", name, "type", "veth", "peer", "eth0", "netns", str(second.pid)]
    first.run(["ip", *device], 10)
    first.run(["ip", "address", "add", f"{before}/30", "dev", name], 10)
    first.run(["ip", "link", "set", name, "up"], 10)
    _bring_up(second, address, before)
    return second


def end(box: Sandbox) -> None:
    """End every process of a sandbox at once, as when a machine loses its power."""
    control_groups.end(box.group)


def leave(box: Sandbox) -> None:
    """Remove a sandbox that had joined another one; its wire goes with its namespace."""
    end(box)
    control_groups.remove(box.group)
    shutil.rmtree(box.state, ignore_errors=True)


def find(state: Path) -> Sandbox | None:
    """The sandbox that is up, if any.

    Folders and groups may outlive it, as in a machine's snapshot; then its number of a process is
    nobody's, or another program's.
    """
    if not control_groups.folders(GROUP, existing=True) or not (state / "holder.pid").exists():
        return None
    pid = int((state / "holder.pid").read_text().strip() or 0)
    alive = control_groups.processes(control_groups.daemons(GROUP))
    return Sandbox(pid, state) if pid in alive else None


def destroy(state: Path) -> None:
    """End every process of the group and remove what is left of it; fine when nothing is."""
    control_groups.end(GROUP)
    control_groups.remove(GROUP)
    subprocess.run(["ip", "link", "delete", HOST_DEVICE], capture_output=True, timeout=10)
    if (state / MADE).exists():
        for line in (state / MADE).read_text().splitlines():
            _remove_empty(Path(line))
    shutil.rmtree(state, ignore_errors=True)


def remains(state: Path) -> list[str]:
    """What a sandbox has left on this machine, when it should be gone: groups, devices, files."""
    places = [
        *control_groups.folders(GROUP, existing=True),
        Path("/sys/class/net") / HOST_DEVICE,
        state,
    ]
    mounts = Path("/proc/self/mounts").read_text().splitlines()
    return [
        *(str(place) for place in places if place.exists()),
        *(line for line in mounts if str(state) in line),
    ]


def _make_private_folders(state: Path) -> None:
    """The places to mount on; those that this machine lacked are written down, to be removed."""
    made = [folder for folder in PRIVATE_FOLDERS if not Path(folder).exists()]
    (state / MADE).write_text("\n".join(made))
    for folder in made:
        Path(folder).mkdir(parents=True)


def _remove_empty(folder: Path) -> None:
    """Another program may have come to use the folder meanwhile; then it stays."""
    with suppress(OSError):
        folder.rmdir()


def _hold(state: Path, group: str) -> int:
    """Start the process that holds the namespaces, with its private folders mounted; its pid."""
    mounts = " && ".join(f"mount -t tmpfs -o mode=755 tmpfs {path}" for path in PRIVATE_FOLDERS)
    ready, log = state / "holder.pid", state / "holder.log"
    # Shared among ourselves: the kubelet's volumes must reach the containers' runtime.
    script = f"{mounts} && mount --make-rshared / && echo $$ > {ready} && exec sleep infinity"
    joined = 'echo $$ > "$0" && exec "$@"'
    unshared = ["unshare", "--net", "--mount", "--propagation", "private", "sh", "-c", script]
    _start(
        ["sh", "-c", joined, str(control_groups.daemons(group) / "cgroup.procs"), *unshared], log
    )
    for _ in range(200):
        if ready.exists() and ready.read_text().strip():
            return int(ready.read_text())
        time.sleep(0.05)
    raise SandboxError(f"no namespaces of our own: {log.read_text().strip() or 'no answer'}")


def _start(command: Sequence[str], output: Path) -> None:
    """Start a process that is nobody's child and outlives this one."""
    with output.open("ab") as log:
        subprocess.run(
            ["setsid", "--fork", *command],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            check=True,
            timeout=10,
        )


def _connect(sandbox: Sandbox) -> None:
    """One wire between this machine and the node; no route leads on from either end."""
    link = ["ip", "link", "add", HOST_DEVICE, "type", "veth", "peer", "eth0"]
    _run([*link, "netns", str(sandbox.pid)], 10)
    _run(["ip", "address", "add", f"{HOST_ADDRESS}/30", "dev", HOST_DEVICE], 10)
    _run(["ip", "link", "set", HOST_DEVICE, "up"], 10)
    _bring_up(sandbox, NODE_ADDRESS, HOST_ADDRESS)
    # This machine passes nothing on from the node, even where it forwards for others.
    _run(["sysctl", "-qw", f"net.ipv4.conf.{HOST_DEVICE}.forwarding=0"], 10)


def _bring_up(sandbox: Sandbox, address: str, gateway: str) -> None:
    """Its side of the wire, which leads on to wherever it came from."""
    for arguments in (
        ["link", "set", "lo", "up"],
        ["address", "add", f"{address}/30", "dev", "eth0"],
        ["link", "set", "eth0", "up"],
        # Service addresses need some route before they are translated.
        ["route", "add", "default", "via", gateway],
    ):
        sandbox.run(["ip", *arguments], 10)
    sandbox.run(["sysctl", "-qw", "net.ipv4.ip_forward=1"], 10)


def _run(command: Sequence[str], timeout: float) -> str:
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=timeout)
    except FileNotFoundError as err:
        raise SandboxError(f"no `{command[0]}` on the PATH") from err
    except subprocess.TimeoutExpired as err:
        raise SandboxError(f"{' '.join(command[-6:])}: no end after {timeout} s") from err
    if done.returncode:
        raise SandboxError(f"{' '.join(command[-6:])}: {done.stderr.strip()[-500:]}")
    return done.stdout
