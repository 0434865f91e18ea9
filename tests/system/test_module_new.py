"""`hakimctl module new`, and docs/write-a-module.md, followed to the letter."""
from __future__ import annotations

import re
from pathlib import Path

import pytest

from hakim import status, unit, wait_units
from hosts.process import wait_until

GUIDE = (Path(__file__).resolve().parents[2] / "docs/write-a-module.md").read_text("utf-8")
PATH = "/etc/hakim/modules/py-www.service"


def steps(heading: str) -> list[str]:
    """The lines of code of a section of the guide."""
    section = GUIDE.split(f"\n## {heading}")[1].split("\n## ")[0]
    return [line[4:] for line in section.splitlines() if line.startswith("    ")]


@pytest.fixture
def host(modules_host):
    """A container with a program in the place of the guide's python3, which would take 60 MB."""
    made = modules_host()
    made.put_file("/usr/local/bin/python3", "#!/bin/sh\nexec node -e 'require(\"http\").createServer((q, a) => "
                  "a.end()).listen(+process.argv.pop(), \"127.0.0.1\")' -- \"$@\"\n", 0o755)
    return made


def follow(host) -> None:
    """The guide's steps 1 and 2."""
    for line in steps("1. Begin"):
        host.exec(line.split())
    text = host.read_file(PATH).decode()
    for line in steps("2. Say what runs"):
        name = line.split("=")[0]
        text, n = re.subn(rf"(?m)^#?{name}=.*$", lambda _m, ln=line: ln, text, count=1)
        assert n == 1, f"{name}= is not in the template"
    host.put_file(PATH, text)


def test_what_it_writes_is_accepted_and_never_over_a_file(host):
    host.start({}, tty=False)
    status(host)
    done = host.exec(["hakimctl", "module", "new", "my-tool.service"])
    assert done.stdout == "/etc/hakim/modules/my-tool.service\n"
    check = host.exec(["hakimctl", "check", "/etc/hakim/modules/my-tool.service"])
    assert "no error, 0 notes" in check.stdout + check.stderr
    text = host.read_file("/etc/hakim/modules/my-tool.service").decode()
    assert "START_MY_TOOL=yes" in text and "@" not in text
    assert host.exec(["hakimctl", "module", "new", "my-tool", "-n"]).stdout == text
    # With all that is in comments it is a unit, too.
    host.put_file("/tmp/all.service", re.sub(r"(?m)^#(?=[A-Z][A-Za-z]*=)", "", text))
    check = host.exec(["hakimctl", "check", "/tmp/all.service"])
    assert "no error, 0 notes" in check.stdout + check.stderr, check
    host.put_file("/etc/hakim/modules/my-tool.service", "mine")
    refused = host.exec(["hakimctl", "module", "new", "my-tool"], check=False)
    assert refused.returncode == 1 and "is there already, and was left as it is" in refused.stderr
    assert host.read_file("/etc/hakim/modules/my-tool.service") == b"mine"
    for name in ("../x", "a b", "x@y", "", ".service"):
        assert host.exec(["hakimctl", "module", "new", name], check=False).returncode == 2, name
    assert host.exec(["hakimctl", "module", "old", "x"], check=False).returncode == 2


def test_the_guide_leads_to_a_module_that_runs(host):
    host.start({}, tty=False)
    status(host)
    follow(host)
    for line in steps("3. Check"):
        host.exec(line.split())
    pid = wait_units(host, 20, py_www="running")["units"]["py-www"]["pid"]
    for line in steps("4. Look"):
        host.exec(line.split())
    assert host.exec(["curl", "-s", "-o", "/dev/null", "-w", "%{http_code}", "http://127.0.0.1:8000/"]).stdout == "200"
    host.exec(["hakimctl", "kill", "-s", "KILL", "py-www"])
    wait_until("it is back", lambda: status(host)["units"]["py-www"]["pid"] not in (None, pid), 10)
    wait_units(host, 20, py_www="running")


@pytest.mark.parametrize("env, state, says", [
    ({"PY_WWW_PORT": "x"}, "", "PY_WWW_PORT=x is no port"),
    ({"START_PY_WWW": "0"}, "skipped", "START_PY_WWW=0 switches it off"),
])
def test_what_the_guide_says_of_variables_is_true(host, env, state, says):
    host.start(env, tty=False)
    status(host)
    follow(host)
    host.exec(["hakimctl", "reload"], check=False)
    wait_until("it is said", lambda: says in str(status(host)["units"]["py-www"]), 10)
    assert not state or status(host)["units"]["py-www"]["sub"] == state


def test_a_port_that_another_has_is_named_and_taken_when_it_is_free(host):
    unit(host, "other.service", "[Service]\nExecStart=python3 8000\n[X-Hakim]\nReadyTCP=127.0.0.1:8000\n")
    host.start({}, tty=False)
    wait_units(host, 20, other="running")
    follow(host)
    host.exec(["hakimctl", "reload"], check=False)
    wait_until("it is named", lambda: "port 8000 is in use by node" in str(status(host)["units"]["py-www"]), 10)
    host.exec(["hakimctl", "stop", "other"])
    wait_units(host, 20, py_www="running")
