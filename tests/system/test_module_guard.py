"""hakim-guard: what stands in the way of a service is removed when nobody lives in it, and named when somebody does."""
from __future__ import annotations

import pytest

from hakim import status, unit, wait_units
from hosts.process import wait_until

GUARD = "/usr/lib/hakim/hakim-guard"


@pytest.fixture
def host(lxc, helpers):
    """A container that runs."""
    made = lxc()
    made.put_file("/usr/local/bin/answer", (helpers / "answer").read_bytes(), 0o755)
    unit(made, "live.service", "[Service]\nExecStart=/usr/local/bin/answer unix /run/live\n"
         "[X-Hakim]\nReadyUnix=/run/live\n")
    unit(made, "tcp.service", "[Service]\nExecStart=/usr/local/bin/answer tcp 4010\n"
         "[X-Hakim]\nReadyTCP=127.0.0.1:4010\n")
    made.start({}, tty=False)
    wait_units(made, live="running", tcp="running")
    return made


def guard(host, *words: str) -> tuple[int, str]:
    """Its exit status and what it says."""
    done = host.exec([GUARD, *words], check=False)
    return done.returncode, done.stderr + done.stdout


def test_a_socket_is_removed_only_when_nobody_listens(host):
    assert guard(host, "--socket", "/run/nothing") == (0, "")
    code, said = guard(host, "--socket", "/run/live")
    assert code == 1 and "something else listens on /run/live already (pid " in said
    pid = status(host)["units"]["live"]["pid"]
    host.exec(["hakimctl", "stop", "live"])
    assert pid and host.exec(["test", "-S", "/run/live"]).returncode == 0
    code, said = guard(host, "--socket", "/run/live")
    assert code == 0 and "removed /run/live, on which nobody listens" in said
    assert host.exec(["test", "-e", "/run/live"], check=False).returncode == 1
    host.put_file("/run/file", "precious")
    code, said = guard(host, "--socket", "/run/file")
    assert code == 1 and "is no socket" in said and host.read_file("/run/file") == b"precious"


def test_a_pid_file_is_removed_unless_it_names_the_program(host):
    pid = status(host)["units"]["tcp"]["pid"]
    host.put_file("/run/a.pid", f"{pid}\n")
    code, said = guard(host, "--pid-file", "/run/a.pid=answer")
    assert code == 1 and f"answer runs already (pid {pid})" in said
    # The number is another program's by now.
    code, said = guard(host, "--pid-file", "/run/a.pid=dockerd")
    assert code == 0 and "removed /run/a.pid" in said
    host.put_file("/run/b.pid", "no number")
    assert guard(host, "--pid-file", "/run/b.pid=answer")[0] == 0
    assert host.exec(["test", "-e", "/run/b.pid"], check=False).returncode == 1


def test_what_may_go_on_is_left_alone_and_only_its_dead_files_go(host):
    pid = status(host)["units"]["live"]["pid"]
    host.put_file("/run/a.pid", f"{pid}\n")
    words = ("--left-pid-file", "/run/a.pid=answer", "--left-socket", "/run/live")
    assert guard(host, *words) == (0, "")
    assert host.exec(["test", "-S", "/run/live", "-a", "-e", "/run/a.pid"]).returncode == 0
    host.exec(["hakimctl", "stop", "live"])
    code, said = guard(host, *words)
    assert code == 0 and "removed /run/live" in said and "removed /run/a.pid" in said


@pytest.mark.parametrize("words, code, says", [
    (["--port", "4010=X_PORT"], 1, "port 4010 is in use by answer (pid "),
    (["--port", "4011=X_PORT"], 0, ""),
    (["--port", "=X_PORT"], 1, "X_PORT= is no port"),
    (["--port", "70000=X_PORT"], 1, "X_PORT=70000 is no port: set it to a number from 1 to 65535"),
    (["--choice", "a=MODE=a,b"], 0, ""),
    (["--choice", "c=MODE=a,b"], 1, "MODE=c is none of a,b"),
    (["--match", "12x9=SIZE=1x1=^[0-9]+x[0-9]+$"], 0, ""),
    (["--match", "x9=SIZE=1x1=^[0-9]+x[0-9]+$"], 1, "SIZE=x9 makes no sense: it is something like 1x1"),
    (["--match", "x9"], 2, "it is WORD=VARIABLE=EXAMPLE=REGEX"),
    (["--status", "all is well"], 0, ""),
    (["word"], 2, "takes options only"),
])
def test_a_value_is_checked_and_named(host, words, code, says):
    done = guard(host, *words)
    assert done[0] == code and says in done[1], done


def test_a_scripts_status_is_never_lost(host):
    unit(host, "script.service", "[Service]\nType=oneshot\nRemainAfterExit=yes\nNotifyAccess=all\n"
         f"ExecStart=/bin/sh -c 'for i in $(seq 50); do {GUARD} --status \"number $i\"; done'\n")
    host.exec(["hakimctl", "reload"])
    host.exec(["hakimctl", "start", "script"])
    wait_until("the last one is shown", lambda: status(host)["units"]["script"]["status"] == "number 50", 5)


def test_a_sticky_directory_is_made_and_a_link_in_its_place_is_not_followed(host):
    def mode(path):
        return host.exec(["stat", "-c", "%a", path]).stdout.strip()
    for _twice in range(2):
        assert guard(host, "--sticky-directory", "/run/sticky") == (0, "")
        assert mode("/run/sticky") == "1777"
        host.exec(["chmod", "700", "/run/sticky"])
    host.exec(["sh", "-c", "cd /run && mkdir target && chmod 700 target && touch f && "
               "ln -s target link && ln -s none hanging"])
    for path in ("/run/link", "/run/hanging", "/run/f"):
        code, said = guard(host, "--sticky-directory", path)
        assert code == 1 and f"{path} is in the way and is no directory: remove it" in said
    assert mode("/run/target") == "700" and host.exec(["test", "-e", "/run/none"], check=False).returncode == 1
    assert guard(host, "--sticky-directory", "/none/x")[0] == 1
