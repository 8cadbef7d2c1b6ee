from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from uuid import uuid4

import pytest

from graph.cluster import connection
from graph.cluster.wait import wait
from tests.cluster import foreign, harness, strangers, weights
from tests.cluster.deployment import NAMESPACE, Deployment
from tests.cluster.harness import Cluster
from tests.cluster.registry import Registry, started_registry
from tests.cluster.run import PROJECT, ready
from tests.tools import binaries

# Fixtures that share the project's namespace, the gateway or a registry with others.
_SHARED = frozenset({"deployment", "registry"})


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Tests of the cluster run where they are asked for by their marker, and say so elsewhere."""
    if "cluster" in (config.getoption("-m") or ""):
        for item in items:
            if _SHARED.intersection(getattr(item, "fixturenames", ())):
                # In time for `-m`, which pytest reads in a hook of the same name.
                item.add_marker(PROJECT)
        return
    for item in items:
        if item.get_closest_marker("cluster"):
            item.add_marker(pytest.mark.skip(reason="needs a cluster: run `make e2e`"))


@pytest.fixture(scope="session")
def cluster(pytestconfig: pytest.Config) -> Iterator[Cluster]:
    """A cluster with KServe, a gateway and the project's images, but not the project itself."""
    capture = pytestconfig.pluginmanager.getplugin("capturemanager")
    with ExitStack() as stack:
        # Minutes pass here: what is done and how long it took is seen as it happens.
        with capture.global_and_fixture_disabled():
            try:
                running = stack.enter_context(ready(os.environ))
            except foreign.NotUsable as err:
                # One line, in the place of one for each test.
                pytest.exit(f"the tests cannot run on that cluster: {err}", returncode=3)
        yield running


@pytest.fixture(scope="session")
def program(cluster: Cluster) -> Callable[[str], Path]:
    """Finds a program by its name: built for our own cluster, of the PATH for another one."""

    def find(name: str) -> Path:
        if cluster.own:
            return binaries.build([name], os.environ)[name]
        found = foreign.find_program(name, os.environ)
        if found is None:
            pytest.skip(f"needs {name} on the PATH")
        return found

    return find


@pytest.fixture(scope="session")
def registry(cluster: Cluster) -> Iterator[Registry]:
    """A registry that our own node trusts, empty."""
    if not cluster.own:
        pytest.skip("starts a registry beside a node, which only the harness's own allows")
    built = binaries.build(["registry"], os.environ)["registry"]
    with started_registry(harness.own_sandbox(), built, os.environ) as made:
        yield made


@pytest.fixture(scope="session")
def deployment(cluster: Cluster) -> Iterator[Deployment]:
    """Puts one overlay at a time on the cluster, and takes the last one off again."""
    if not cluster.own and cluster.kubectl.exists("namespace", NAMESPACE, ""):
        pytest.fail(f"namespace {NAMESPACE} is on that cluster already; the tests would delete it")
    deployment = Deployment(cluster)
    # An earlier run with PARLEY_KEEP_CLUSTER may have left it.
    deployment.clear("overlays/embedded")
    yield deployment
    deployment.clear()


@pytest.fixture
def embedded(deployment: Deployment) -> Deployment:
    """The embedded overlay, answering."""
    deployment.ensure("overlays/embedded")
    return deployment


@pytest.fixture(scope="session")
def chained(cluster: Cluster) -> Iterator[str]:
    """A namespace with a graph of strangers' services, and one service alone; all of it works."""
    with strangers.namespace(cluster.kubectl, f"parley-chained-{uuid4().hex[:8]}") as name:
        services = map(strangers.service, ("first", "second", "alone"))
        strangers.put(cluster.kubectl, name, *services, strangers.graph("chain", "first", "second"))
        with strangers.connect(cluster, name) as connected:
            wait(connected, timeout=120)
        yield name


@pytest.fixture
def here(cluster: Cluster) -> Iterator[connection.Cluster]:
    """The library's connection to a namespace of a test's own, which is empty."""
    name = f"parley-{uuid4().hex[:8]}"
    with strangers.connect(cluster, name) as connected:
        spaces = connected.resource("v1", "Namespace")
        spaces.create(body={"metadata": {"name": name}})
        yield connected
        if spaces.get(field_selector=f"metadata.name={name}").items:
            spaces.delete(name)


@pytest.fixture
def space(here: connection.Cluster) -> str:
    """The name of that namespace."""
    return here.namespace


@pytest.fixture(scope="session")
def times() -> dict[str, float]:
    """What took how many seconds."""
    return {}


@pytest.fixture(scope="session")
def filled(
    deployment: Deployment, times: dict[str, float], pytestconfig: pytest.Config
) -> Iterator[Deployment]:
    """The overlay for CPUs, answering with the models that its Job pulled and converted."""
    if not deployment.cluster.own:
        pytest.skip("fills a disk of the node, which only a node of the harness's own may be asked")
    capture = pytestconfig.pluginmanager.getplugin("capturemanager")
    # Gigabytes are built and loaded here: what is done is seen as it happens.
    with capture.global_and_fixture_disabled():
        weights.load_images(times)
    with weights.filled(deployment, times) as answering:
        yield answering


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Figures that tests measured, for the README."""
    reports = terminalreporter.stats.get("passed", []) + terminalreporter.stats.get("failed", [])
    lines = [f"{name}: {value}" for report in reports for name, value in report.user_properties]
    if lines:
        terminalreporter.section("measured on the cluster")
        for line in lines:
            terminalreporter.write_line(line)
    sys.stdout.flush()
