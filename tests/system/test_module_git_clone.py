"""git-clone: the project from its repository, once, and never over what is there; with the real git."""
from __future__ import annotations

import pytest

from hakim import log_files, status, wait_units
from hosts.process import wait_until

MAKE = """set -e
cd /tmp && rm -rf work && git init -q -b main work && cd work
git config user.email a@b && git config user.name a
echo one >README && git add . && git commit -qm one
git checkout -q -b side && echo two >SIDE && git add . && git commit -qm two && git checkout -q main
git clone -q --bare . /tmp/repository.git"""
PROJECT = "/home/coder/project"


@pytest.fixture
def host(modules_host):
    """A container in which a repository can be made."""
    return modules_host().keep()


def start(host, **env: str) -> None:
    """Boots it once so that there is a repository, and again with the variables."""
    host.start({"START_XVFB": "0"}, tty=False)
    wait_units(host, 30, home="exited", git_clone="skipped")
    host.exec(["sh", "-c", MAKE], user="coder")
    host.stop()
    host.again({"START_XVFB": "0", "GIT_CLONE_URL": "file:///tmp/repository.git", **env})


def said(host) -> str:
    """Its status text."""
    return str(status(host)["units"]["git-clone"]["status"])


def ls(host, directory: str = PROJECT) -> list[str]:
    """What is in a directory."""
    return sorted(host.exec(["ls", "-A", directory]).stdout.split())


def test_the_project_is_cloned_once_and_then_left_alone(host):
    start(host)
    wait_units(host, 30, git_clone="exited")
    assert ls(host) == [".git", "README"] and "is a clone of it" in said(host)
    assert host.exec(["stat", "-c", "%U", f"{PROJECT}/README"]).stdout == "coder\n"
    host.exec(["sh", "-c", f"echo mine >{PROJECT}/README"], user="coder")
    host.kill9()
    host.again({"START_XVFB": "0", "GIT_CLONE_URL": "file:///tmp/repository.git"})
    wait_units(host, 30, git_clone="exited")
    assert host.read_file(f"{PROJECT}/README") == b"mine\n" and "already" in said(host)
    assert ls(host, "/home/coder") == [n for n in ls(host, "/home/coder") if "hakim-clone" not in n]
    assert host.stop() == 0


def test_a_branch_and_a_directory_of_ones_own(host):
    start(host, GIT_CLONE_BRANCH="side", GIT_CLONE_DIR="/home/coder/deep/er", GIT_CLONE_DEPTH="1")
    wait_units(host, 30, git_clone="exited")
    assert ls(host, "/home/coder/deep/er") == [".git", "README", "SIDE"]
    assert host.stop() == 0


def test_a_directory_with_something_in_it_is_left_and_that_is_said(host):
    host.put_file(f"{PROJECT}/mine", "x", owner=1000)
    start(host)
    wait_units(host, 30, git_clone="exited")
    assert ls(host) == ["mine"] and "is not empty and was left as it is" in said(host)
    assert host.stop() == 0


def test_an_interrupted_clone_is_done_again_and_a_finished_one_put_in_place(host):
    start(host, GIT_CLONE_BRANCH="none")
    wait_until("it says why", lambda: "cannot be cloned" in said(host), 20)
    assert "none" in said(host)
    host.exec(["sh", "-c", "mkdir -p .project.hakim-clone/.git; echo half >.project.hakim-clone/x"], user="coder")
    host.kill9()
    host.again({"START_XVFB": "0", "GIT_CLONE_URL": "file:///tmp/repository.git"})
    wait_units(host, 30, git_clone="exited")
    assert ls(host) == [".git", "README"]
    host.exec(["sh", "-c", "rm -rf project && mkdir -p project/lost+found && git clone -q /tmp/repository.git "
               ".project.hakim-clone-done && mv .project.hakim-clone-done/README project/"], user="coder")
    host.exec(["hakimctl", "restart", "git-clone"])
    assert ls(host) == [".git", "README", "lost+found"]
    assert host.stop() == 0


@pytest.mark.parametrize("env, words", [
    ({"GIT_CLONE_URL": "ext::sh -c id"}, "no URL"),
    ({"GIT_CLONE_URL": "--upload-pack=x"}, "no URL"),
    ({"GIT_CLONE_DIR": "here"}, "GIT_CLONE_DIR=here is not an absolute path"),
    ({"GIT_CLONE_BRANCH": "--x"}, "no name of a branch"),
    ({"GIT_CLONE_DEPTH": "much"}, "is no number"),
])
def test_a_wrong_variable_is_named_and_not_tried_again(modules_host, env, words):
    host = modules_host()
    host.start({"START_XVFB": "0", "GIT_CLONE_URL": "file:///x", **env}, tty=False)
    found = wait_units(host, 30, git_clone="failed", dbus="running")["units"]["git-clone"]
    assert words in f"{found['status']} {found['last_error']}", found
    assert host.stop() == 0


def test_a_password_in_the_url_is_in_no_argv_or_log(modules_host):
    host = modules_host()
    host.put_file("/usr/local/bin/git", "#!/bin/sh\n{ echo \"$*\"; tr '\\0' '\\n' </proc/$$/cmdline; } >>/tmp/argv\n"
                  "echo get | sh -c \"${GIT_CONFIG_VALUE_0#!}\" >/tmp/credential\nexit 1\n", 0o755)
    host.start({"START_XVFB": "0", "GIT_CLONE_URL": "https://me:hunter2@127.0.0.1:9/x.git"}, tty=False)
    wait_until("it was tried", lambda: "cannot be cloned" in said(host), 20)
    assert "hunter2" not in host.read_file("/tmp/argv").decode()
    assert "https://127.0.0.1:9/x.git" in host.read_file("/tmp/argv").decode()
    assert host.read_file("/tmp/credential") == b"username=me\npassword=hunter2\n"
    assert all("hunter2" not in host.read_file(path).decode() for path in log_files(host, "git-clone"))
    assert "hunter2" not in str(status(host))
    assert host.stop() == 0
