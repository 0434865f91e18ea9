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
               "project/.hakim-clone-done && mv project/.hakim-clone-done/README project/"], user="coder")
    host.exec(["hakimctl", "restart", "git-clone"])
    assert ls(host) == [".git", "README", "lost+found"]
    assert host.stop() == 0


@pytest.mark.parametrize("env, words", [
    ({"GIT_CLONE_URL": "ext::sh -c id"}, "no URL"),
    ({"GIT_CLONE_URL": "--upload-pack=x"}, "no URL"),
    ({"GIT_CLONE_DIR": "here"}, "GIT_CLONE_DIR=here is not an absolute path"),
    ({"GIT_CLONE_BRANCH": "--x"}, "no name of a branch"),
    ({"GIT_CLONE_DEPTH": "much"}, "is no number"),
    ({"GIT_CLONE_URL": "https://me:x%0Ahost=y@127.0.0.1/"}, "has a line break in it"),
    ({"GIT_CLONE_URL": "https://me:x@127.0.0.1/", "GIT_CONFIG_COUNT": "many"}, "GIT_CONFIG_COUNT=many is no number"),
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


def test_a_directory_below_one_of_roots_is_filled_in_itself(host):
    host.put_file("/workspace/lost+found/x", "")
    start(host, CODER_PROJECT_DIR="/workspace")
    wait_until("it was tried", lambda: "/workspace cannot be written by coder: give it to coder" in said(host), 20)
    host.exec(["sh", "-c", "chown coder:coder /workspace; hakimctl restart git-clone"])
    wait_until("it is cloned", lambda: "is a clone of it" in said(host), 20)
    assert ls(host, "/workspace") == [".git", "README", "lost+found"]
    assert host.stop() == 0


def test_a_mounted_directory_that_was_cut_off_at_any_step_is_completed(host):
    start(host)
    wait_units(host, 30, git_clone="exited")
    host.exec(["sh", "-c", "rm -rf project && mkdir project"], user="coder")
    # Only this is seen by the services, too: their mounts are those of PID 1.
    host.exec(["nsenter", "-t", "1", "-m", "mount", "-t", "tmpfs", "-o", "uid=1000,gid=1000,mode=755", "none", PROJECT])
    done = "git clone -q /tmp/repository.git .hakim-clone-done"
    for cut in ("mkdir -p .hakim-clone/.git", done, f"{done} && mv .hakim-clone-done/README .",
                f"{done} && mv .hakim-clone-done/* .hakim-clone-done/.git ."):
        host.exec(["sh", "-c", f"cd {PROJECT} && rm -rf .git .hakim* * && {cut}"], user="coder")
        host.exec(["hakimctl", "restart", "git-clone"])
        assert ls(host) == [".git", "README"], cut
        assert host.exec(["git", "-C", PROJECT, "status", "--porcelain"], user="coder").stdout == "", cut
    host.exec(["sh", "-c", "cd project && git clone -q /tmp/repository.git .hakim-clone-done && rm -rf .git && "
               "echo mine >README"], user="coder")
    host.exec(["hakimctl", "restart", "git-clone"], check=False)
    wait_until("it says so", lambda: f"{PROJECT}/README is in the way of the clone's" in said(host), 20)
    assert host.read_file(f"{PROJECT}/README") == b"mine\n" and ".git" not in ls(host)
    assert host.stop() == 0


def test_a_link_to_a_full_directory_is_not_empty_and_one_to_an_empty_one_is_filled(host):
    host.put_file("/home/coder/real/mine", "x", owner=1000)
    start(host, GIT_CLONE_DIR="/home/coder/link")
    wait_units(host, 30, git_clone="exited")
    for directory, there in (("real", ["mine"]), ("fresh", [".git", "README"])):
        host.exec(["sh", "-c", f"rm -rf link && mkdir -p {directory} && ln -s {directory} link"], user="coder")
        host.exec(["hakimctl", "restart", "git-clone"])
        assert ls(host, f"/home/coder/{directory}") == there, said(host)
    assert host.stop() == 0


def test_what_cannot_be_written_or_is_no_directory_is_said(host):
    start(host, GIT_CLONE_DIR="/srv/none/project")
    wait_until("it says so", lambda: "make /srv/none/project, and give it to coder" in said(host), 20)
    for make, words in (("mkdir -p /srv/none/project", "project cannot be written by coder: give it to coder"),
                        ("chmod 700 /srv/none/project", "/srv/none/project cannot be read by coder"),
                        ("rmdir /srv/none/project && touch /srv/none/project", "/srv/none/project is no directory")):
        host.exec(["sh", "-c", f"{make}; hakimctl restart git-clone || :"])
        wait_until(f"it says: {words}", lambda w=words: w in said(host), 20)
    assert host.stop() == 0


GIT = """#!/bin/sh
export -p >/tmp/environment
{ printf '%s\\n' "$@"; } >/tmp/argv
for at in https://127.0.0.1:9 https://elsewhere:9 http://127.0.0.1:9 https://127.0.0.1; do
    echo "$at"
    printf 'url=%s\\n\\n' "$at/x.git" | GIT_ASKPASS=/bin/false /usr/bin/git credential fill 2>&1
done >/tmp/credential
/usr/bin/git config --get user.inherited >/tmp/inherited
exit 1
"""


@pytest.mark.parametrize("url, answer", [
    ("https://me:hunter2@127.0.0.1:9/x.git", ("me", "hunter2")),
    ("https://m%40e:h%2fu%25n%5ct@127.0.0.1:9/x.git", ("m@e", "h/u%n\\t")),
])
def test_a_password_in_the_url_is_decoded_and_that_hosts_only(modules_host, url, answer):
    host = modules_host()
    host.put_file("/usr/local/bin/git", GIT, 0o755)
    host.start({"START_XVFB": "0", "GIT_CLONE_URL": url, "GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": "user.inherited",
                "GIT_CONFIG_VALUE_0": "kept"}, tty=False)
    wait_until("it was tried", lambda: "cannot be cloned" in said(host), 20)
    found = host.read_file("/tmp/credential").decode()
    assert f"username={answer[0]}\npassword={answer[1]}\n" in found.split("https://elsewhere:9\n")[0], found
    assert found.count("password=") == 1, found
    assert host.read_file("/tmp/inherited") == b"kept\n"
    assert "https://127.0.0.1:9/x.git" in host.read_file("/tmp/argv").decode().split("\n")
    assert host.stop() == 0


def test_a_name_alone_stays_in_the_url_and_no_password_is_made_up(modules_host):
    host = modules_host()
    host.put_file("/usr/local/bin/git", GIT, 0o755)
    host.start({"START_XVFB": "0", "GIT_CLONE_URL": "https://me@127.0.0.1:9/x.git"}, tty=False)
    wait_until("it was tried", lambda: "cannot be cloned" in said(host), 20)
    assert "https://me@127.0.0.1:9/x.git" in host.read_file("/tmp/argv").decode().split("\n")
    assert "password=" not in host.read_file("/tmp/credential").decode()
    assert "GIT_CONFIG_COUNT" not in host.read_file("/tmp/environment").decode()
    assert host.stop() == 0


@pytest.mark.parametrize("directory", [PROJECT, "/home/coder/fresh"])
def test_what_somebody_has_put_there_while_it_was_cloned_is_left(host, directory):
    host.put_file("/usr/local/bin/git", f"""#!/bin/sh
[ "$1" != clone ] || {{ mkdir -p {directory}; echo mine >{directory}/README; }}
exec /usr/bin/git "$@"
""", 0o755)
    host.start({"START_XVFB": "0"}, tty=False)
    wait_units(host, 30, home="exited")
    host.exec(["sh", "-c", MAKE.replace("git clone", "/usr/bin/git clone")], user="coder")
    host.stop()
    host.again({"START_XVFB": "0", "GIT_CLONE_URL": "file:///tmp/repository.git", "GIT_CLONE_DIR": directory})
    wait_units(host, 30, git_clone="exited")
    assert "is not empty and was left as it is" in said(host)
    assert ls(host, directory) == ["README"] and host.read_file(f"{directory}/README") == b"mine\n"
    assert not [name for name in ls(host, "/home/coder") if "hakim-clone" in name]
    assert host.stop() == 0
