"""Fixtures: containers in LXC, in bare namespaces and in podman, and a stand-in Coder server.

`lxc`, `unshare_host` and `podman` are functions that make a container, not started yet; all of them
are taken away at the end of the test, and the test fails if anything of them is left. With CI=true
a host that cannot be had is a failure, elsewhere the test is skipped with the reason.
"""
from __future__ import annotations

import os
import shutil
import signal
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tests" / "system"), str(ROOT / "tests" / "stand-ins")]

from coder_process import CoderServerProcess  # noqa: E402
from hosts import rootfs  # noqa: E402
from hosts.host import Host, Trees, own_by_container  # noqa: E402
from hosts.lxc import LxcHost  # noqa: E402
from hosts.podman import PodmanHost, PodmanStore  # noqa: E402
from hosts.programs import MODULES, NPM, OPENCLAW  # noqa: E402
from hosts.unshare import UnshareHost  # noqa: E402

BUILD = ROOT / os.environ.get("HAKIM_BUILD", "build")
TOKEN = "7c9e6679-7425-40de-944b-e07fc1f90ae7"
TIMEOUT = 120
# Without these there is no workspace. The others start what is installed, and hide units of Debian.
ALWAYS = ("coder-agent.service", "home.service")


def pytest_configure(config: pytest.Config) -> None:
    """Declares our marks."""
    config.addinivalue_line("markers",
                            f"timeout(seconds): the test fails after so long (else {TIMEOUT})")


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Iterator[None]:
    """No test hangs: pytest-timeout is not part of what the tests need."""
    mark = item.get_closest_marker("timeout")
    seconds = mark.args[0] if mark else TIMEOUT

    def late(_number: int, _frame: FrameType | None) -> None:
        raise TimeoutError(f"the test has not ended within {seconds} s")

    old = signal.signal(signal.SIGALRM, late)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, old)


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Iterator[None]:
    """A failed test shows what its containers said."""
    outcome: Any = yield
    report = outcome.get_result()
    if report.when == "call" and report.failed:
        for host in getattr(item, "hakim_hosts", []):
            report.sections.append((f"{host.kind} {host.name}", host.report()))


def unavailable(reason: str) -> None:
    """Skips the test; where all must be there, fails it."""
    if os.environ.get("CI") == "true":
        pytest.fail(f"this host must be there on CI: {reason}", pytrace=False)
    pytest.skip(reason)


@pytest.fixture(scope="session")
def programs() -> Iterator[Path]:
    """Our programs: layers above the Debian trees.

    as-built/ has the ids as they are, shifted/ those of a container; both with the modules alone without which there
    is no workspace, so that Debian's own units are to be seen and nothing starts that a test does not ask for.
    modules/ is as shifted/, and has all of them.
    """
    if os.geteuid() != 0:
        unavailable("containers with shifted ids need root")
    directory = Path(tempfile.mkdtemp(prefix=f"hakim-programs-{os.getpid()}-"))
    try:
        rootfs.install_programs(str(BUILD), directory / "as-built")
        shutil.copytree(directory / "as-built", directory / "modules", symlinks=True)
        for file in (directory / "as-built/usr/lib/hakim/modules").iterdir():
            if file.name not in ALWAYS:
                file.unlink()
        shutil.copytree(directory / "as-built", directory / "shifted", symlinks=True)
        for name in ("as-built", "shifted", "modules"):
            (directory / name).chmod(0o755)
        for name in ("shifted", "modules"):
            own_by_container(directory / name, rootfs.SHIFT)
        yield directory
    finally:
        shutil.rmtree(directory, ignore_errors=True)


@pytest.fixture(scope="session")
def trees(programs: Path) -> Trees:
    """The small Debian tree."""
    tar, shifted = rootfs.make_tree()
    return Trees((programs / "shifted", shifted), tar, programs / "as-built")


@pytest.fixture(scope="session")
def daemon_trees(programs: Path) -> Trees:
    """The Debian tree with Debian's own services, which no module of ours hides."""
    tar, shifted = rootfs.make_tree(rootfs.DAEMONS)
    return Trees((programs / "shifted", shifted), tar)


@pytest.fixture(scope="session")
def module_trees(programs: Path) -> Trees:
    """The Debian tree with the real programs that the modules start; made in two minutes if it is not there."""
    npm, debian = rootfs.make_layers(NPM, MODULES)
    return Trees((programs / "modules", npm, debian))


@pytest.fixture(scope="session")
def openclaw_trees(programs: Path) -> Trees:
    """The same with openclaw, which is large."""
    openclaw, npm, debian = rootfs.make_layers(OPENCLAW, NPM, MODULES)
    return Trees((programs / "modules", openclaw, npm, debian))


@pytest.fixture(scope="session")
def helpers() -> Path:
    """Where the small programs of tests/helpers are, built and static."""
    return BUILD / "helpers"


def containers(request: pytest.FixtureRequest,
               make: Callable[[], Host]) -> Iterator[Callable[[], Any]]:
    """A function that makes containers, and their end."""
    hosts: list[Host] = []
    request.node.hakim_hosts = [*getattr(request.node, "hakim_hosts", []), *hosts]

    def new() -> Host:
        host = make()
        hosts.append(host)
        request.node.hakim_hosts.append(host)
        return host

    yield new
    for host in hosts:
        host.close()
    left = [f"{host.name}: {what}" for host in hosts for what in host.leaks()]
    assert not left, f"left behind: {left}"


@pytest.fixture
def lxc(request: pytest.FixtureRequest, trees: Trees) -> Iterator[Callable[[], LxcHost]]:
    """Makes unprivileged LXC containers."""
    if reason := LxcHost.missing():
        unavailable(reason)
    yield from containers(request, lambda: LxcHost(trees))


@pytest.fixture
def debian(request: pytest.FixtureRequest,
           daemon_trees: Trees) -> Iterator[Callable[[], LxcHost]]:
    """Makes unprivileged LXC containers that have Debian's own services."""
    if reason := LxcHost.missing():
        unavailable(reason)
    yield from containers(request, lambda: LxcHost(daemon_trees))


@pytest.fixture
def modules_host(request: pytest.FixtureRequest,
                 module_trees: Trees) -> Iterator[Callable[[], LxcHost]]:
    """Makes unprivileged LXC containers that have the real programs of the modules."""
    if reason := LxcHost.missing():
        unavailable(reason)
    yield from containers(request, lambda: LxcHost(module_trees))


@pytest.fixture
def openclaw_host(request: pytest.FixtureRequest,
                  openclaw_trees: Trees) -> Iterator[Callable[[], LxcHost]]:
    """Makes unprivileged LXC containers that have openclaw, too."""
    if reason := LxcHost.missing():
        unavailable(reason)
    yield from containers(request, lambda: LxcHost(openclaw_trees))


@pytest.fixture
def unshare_host(request: pytest.FixtureRequest,
                 trees: Trees) -> Iterator[Callable[[], UnshareHost]]:
    """Makes containers of bare namespaces."""
    if reason := UnshareHost.missing():
        unavailable(reason)
    yield from containers(request, lambda: UnshareHost(trees))


@pytest.fixture(scope="session")
def podman_store(trees: Trees) -> Iterator[PodmanStore]:
    """podman with the image of our programs, for the whole session."""
    if reason := PodmanHost.missing():
        unavailable(reason)
    store = PodmanStore(trees)
    yield store
    store.close()
    assert not store.leaks(), f"left behind: {store.leaks()}"


@pytest.fixture
def podman(request: pytest.FixtureRequest, trees: Trees,
           podman_store: PodmanStore) -> Iterator[Callable[[], PodmanHost]]:
    """Makes containers of podman."""
    yield from containers(request, lambda: PodmanHost(trees, podman_store))


@pytest.fixture
def coder_server() -> Iterator[Callable[..., CoderServerProcess]]:
    """Makes and starts stand-in Coder servers in a host's network: coder_server(host, OPTION, …).

    To have it there before the init: host.start(env, before=lambda: coder_server(host, …)).
    """
    servers: list[CoderServerProcess] = []

    def new(host: Host, *options: str) -> CoderServerProcess:
        server = CoderServerProcess(BUILD / "stand-ins" / "coder", TOKEN, enter=host.network(),
                                    options=options)
        servers.append(server)
        return server.start()

    yield new
    for server in servers:
        server.stop()
