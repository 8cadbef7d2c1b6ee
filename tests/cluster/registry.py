"""A registry of images beside the harness's own node, which its kubelet pulls from.

It has two doors to the same images: at one everybody may pull, at the other who logs in. Both speak
TLS with a certificate of their own authority, which the node is told to trust.
"""

from __future__ import annotations

import base64
import json
import re
import shutil
import ssl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import httpx2

from predictors.images.builder import run
from tests.certificates import certificate
from tests.cluster import image_store, system_images
from tests.cluster.kube import until
from tests.cluster.sandbox import NODE_ADDRESS, Sandbox

OPEN, PRIVATE = f"{NODE_ADDRESS}:5000", f"{NODE_ADDRESS}:5001"
_USER = "docker"


@dataclass(frozen=True)
class Registry:
    """password: of the one user who may pull at the private door."""

    box: Sandbox
    password: str

    def push(self, name: str, repository: str, environ: Mapping[str, str]) -> str:
        """Push one of the harness's own images by the registry's API; its digest there.

        name: the builder's.  repository: path and tag in the registry, at both doors.
        """
        # A gigabyte is pushed over the loopback: packing it takes longer than sending it.
        options = [f"--cert-dir={_trust(self.box, OPEN)}", "--disable-compression"]
        return system_images.builder(environ).push(name, f"{OPEN}/{repository}", options)

    def login(self, name: str) -> dict[str, Any]:
        """A Secret that pulls at the private door."""
        words = base64.b64encode(f"{_USER}:{self.password}".encode()).decode()
        config = json.dumps({"auths": {PRIVATE: {"auth": words}}})
        return {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {"name": name},
            "type": "kubernetes.io/dockerconfigjson",
            "stringData": {".dockerconfigjson": config},
        }

    @contextmanager
    def distrusted(self) -> Iterator[None]:
        """The node does not know the authority of the private door meanwhile."""
        folder = _trust(self.box, PRIVATE)
        away = folder.with_name("distrusted")
        folder.rename(away)
        try:
            yield
        finally:
            away.rename(folder)


@contextmanager
def started_registry(box: Sandbox, program: Path, environ: Mapping[str, str]) -> Iterator[Registry]:
    """Both doors, answering. With them goes what the node pulled there."""
    folder = box.state / "registry"
    folder.mkdir()
    # A run that was killed has left them, and what is on the node is not pulled.
    _forget_images(box, environ)
    try:
        authority, _ = certificate(NODE_ADDRESS, folder)
        for address in (OPEN, PRIVATE):
            _trust(box, address).mkdir(parents=True)
            shutil.copy(authority, _trust(box, address) / "ca.crt")
            _start(box, program, folder, address)
        for address in (OPEN, PRIVATE):
            until(partial(_answers, address, authority), f"the registry at {address}", 30)
        yield Registry(box, _password(box))
    finally:
        for address in (OPEN, PRIVATE):
            box.stop(_daemon(address))
        _forget_images(box, environ)
        shutil.rmtree(box.state / "certs.d", ignore_errors=True)
        shutil.rmtree(folder)


def _trust(box: Sandbox, address: str) -> Path:
    """Where containerd, and any builder, looks for the authority of a registry."""
    return box.state / "certs.d" / address


def _start(box: Sandbox, program: Path, folder: Path, address: str) -> None:
    settings = {
        "version": "0.1",
        "log": {"accesslog": {"disabled": True}},
        "storage": {"filesystem": {"rootdirectory": str(folder / "data")}},
        "http": {
            "addr": address,
            "tls": {
                "certificate": str(folder / f"{NODE_ADDRESS}.crt"),
                "key": str(folder / f"{NODE_ADDRESS}.key"),
            },
        },
    }
    if address == PRIVATE:
        # A file that is not there it makes itself, with a password that its log tells.
        users = {"realm": "tests", "path": str(folder / "users")}
        settings["auth"] = {"htpasswd": users}
    config = folder / f"{_daemon(address)}.yaml"
    config.write_text(json.dumps(settings))
    box.start(_daemon(address), [str(program), "serve", str(config)])


def _daemon(address: str) -> str:
    return f"registry-{address.rpartition(':')[2]}"


def _answers(address: str, authority: Path) -> bool:
    trusted = ssl.create_default_context(cafile=str(authority))
    try:
        response = httpx2.get(f"https://{address}/v2/", verify=trusted, trust_env=False)
    except httpx2.TransportError:
        return False
    return response.status_code == (401 if address == PRIVATE else 200)


def _password(box: Sandbox) -> str:
    log = (box.state / "logs" / f"{_daemon(PRIVATE)}.log").read_text()
    # The log goes on where an earlier registry has ended.
    passwords: list[str] = re.findall(r"\bpassword=([\w-]+)", log)
    return passwords[-1]


def _forget_images(box: Sandbox, environ: Mapping[str, str]) -> None:
    ctr = image_store.store(box, environ).ctr
    names = run([*ctr, "images", "ls", "--quiet", f"name~=^{NODE_ADDRESS}:"], 60).split()
    if names:
        run([*ctr, "images", "rm", *names], 60)
