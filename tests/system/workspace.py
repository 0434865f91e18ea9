"""A workspace: a container with hakim-init, and a stand-in Coder server in its network."""
from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from coder_process import CoderServerProcess
from hakim import services, wait_units
from hosts.host import Host

TOKEN = "7c2f3d9e-55aa-4f11-9f5e-0c0ffee12345"
PORT = 3000
URL = f"http://127.0.0.1:{PORT}"


class Workspace:
    """Start it once; the caller closes it."""

    def __init__(self, host: Host, agent: Path, *options: str) -> None:
        self.host = host
        self.server: CoderServerProcess | None = None
        self._agent = agent
        self._options = options

    def start(self, env: Mapping[str, str] | None = None, *, tty: bool = False,
              mode: Mapping[str, Any] | None = None, with_server: bool = True) -> Workspace:
        """Boots the container; the server listens before PID 1 is executed."""
        def before() -> None:
            if not with_server:
                return
            self.start_server()
            if mode:
                self.server.set_mode(**mode)
        self.host.start({"CODER_AGENT_URL": URL, "CODER_AGENT_TOKEN": TOKEN, **(env or {})},
                        tty=tty, before=before)
        return self

    def start_server(self) -> None:
        """The stand-in server, in the container's network."""
        self.server = CoderServerProcess(self._agent, TOKEN, enter=self.host.network(),
                                         options=("--listen", f"127.0.0.1:{PORT}", *self._options))
        self.server.start()

    def ready(self, timeout: float = 30.0) -> dict[str, Any]:
        """Waits until the agent is ready; its unit as the status has it."""
        return wait_units(self.host, timeout, coder_agent="running")["units"]["coder-agent"]

    def agent_pid(self) -> int:
        """The agent, as we see it; 0 when it does not run."""
        found = services(self.host, "coder")
        return found[0] if found else 0

    def ask_agent(self, path: str) -> str:
        """GET on the agent's debug address, from inside."""
        return self.host.exec(["bash", "-c", f"exec 3<>/dev/tcp/127.0.0.1/2113; "
                               f"printf 'GET %s HTTP/1.0\\r\\n\\r\\n' '{path}' >&3; cat <&3"]).stdout

    def spawn(self, command: str) -> None:
        """What a person does in a session that the agent has opened."""
        answer = self.ask_agent("/_standin/spawn?cmd=" + "".join(
            c if c.isalnum() else f"%{b:02x}" for c in command for b in c.encode()))
        assert " 200 " in answer, answer


def workspaces(new_host: Callable[[], Host], agent: Path) -> Iterator[Callable[..., Workspace]]:
    """A function that makes workspaces; their containers are closed by whoever makes hosts."""
    made: list[Workspace] = []

    def new(*options: str) -> Workspace:
        made.append(Workspace(new_host(), agent, *options))
        return made[-1]

    yield new
    for one in made:
        if one.server:
            one.server.stop()


@pytest.fixture
def workspace(lxc: Callable[[], Host], agent_program: Path) -> Iterator[Callable[..., Workspace]]:
    """Makes workspaces in LXC."""
    yield from workspaces(lxc, agent_program)


@pytest.fixture
def podman_workspace(podman: Callable[[], Host],
                     agent_program: Path) -> Iterator[Callable[..., Workspace]]:
    """Makes workspaces in podman."""
    yield from workspaces(podman, agent_program)


@pytest.fixture
def agent_program(helpers: Path) -> Path:
    """The stand-in agent, an ELF program."""
    return helpers.parent / "stand-ins" / "coder"
