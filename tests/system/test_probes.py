"""Readiness and health: asked of real servers, and through the death of the supervisor."""
from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import pytest

from hakim import status, supervisor, unit, wait_supervisor, wait_units
from hosts.process import children, wait_until
from test_small_and_idle import system_calls

ANSWER = "/usr/local/bin/answer"


@pytest.fixture
def steady(lxc):
    """Makes containers in which no supervisor dies but those that the test kills."""
    hosts = []

    def new():
        host = lxc()
        host.crashes = 0
        hosts.append(host)
        return host

    yield new
    for host in hosts:
        if host.running:
            assert status(host)["manager"]["supervisor_starts"] == 1 + host.crashes


def put_answer(host, helpers) -> None:
    host.put_file(ANSWER, (helpers / "answer").read_bytes(), 0o755)


def service(options: str, watch: str, more: str = "") -> str:
    return f"[Service]\nExecStart={ANSWER} {options}\n{more}\n[X-Hakim]\nReadyIntervalSec=20ms\n{watch}\n"


def asked(host) -> int:
    """How often the server was connected to (--count /tmp/count)."""
    path = host.root("/tmp/count")
    return path.stat().st_size if path.exists() else 0


def crash(host) -> None:
    """kill -9 of the supervisor, and another one."""
    old = wait_supervisor(host)
    host.crashes += 1
    os.kill(old, signal.SIGKILL)
    wait_until("it is reaped", lambda: old not in children(host.pid), 5, 0.001)
    wait_supervisor(host, old)


KINDS = {
    "http": ("tcp 8001", "ReadyHTTP=http://127.0.0.1:8001/x"),
    "http6": ("tcp6 8002", "ReadyHTTP=http://[::1]:8002/"),
    "localhost": ("tcp 8003", "ReadyHTTP=http://localhost:8003/"),
    "http-unix": ("unix /tmp/h.sock", "ReadyHTTP=http+unix:///tmp/h.sock:/_ping"),
    "tcp": ("tcp 8004", "ReadyTCP=127.0.0.1:8004"),
    "tcp6": ("tcp6 8005", "ReadyTCP=[::1]:8005"),
    "stream": ("unix /tmp/s.sock", "ReadyUnix=/tmp/s.sock"),
    "abstract": ("unix @x", "ReadyUnix=@x"),
    "seqpacket": ("seqpacket /tmp/q.sock", "ReadyUnix=/tmp/q.sock"),
    "dgram": ("dgram /tmp/d.sock", "ReadyUnix=/tmp/d.sock"),
    "log": ("tcp 8006", "ReadyLog=/^listening$/"),
    "exec": ("tcp 8007", "ReadyExec=/usr/bin/test -e /tmp/go"),
}


def test_each_kind_of_readiness_waits_for_the_server_and_no_longer(steady, helpers):
    host = steady()
    put_answer(host, helpers)
    for name, (options, watch) in KINDS.items():
        unit(host, f"{name}.service", service(f"--after 3000 {options}", watch))
    host.start({}, tty=False)
    found = wait_units(host, **{name.replace("-", "_"): "ready-wait" for name in KINDS})
    assert found["units"]["log"]["status"] == 'waiting for "/^listening$/" in its log'
    host.put_file("/tmp/go", "")
    found = wait_units(host, **{name.replace("-", "_"): "running" for name in KINDS})
    for name in KINDS:
        seen = found["units"][name]
        took = seen["ready_us"] - seen["exec_us"]
        assert name == "exec" or 2_900_000 < took < 6_500_000, (name, took)
        assert seen["restarts"] == 0
    assert host.stop() == 0


def test_all_of_several_must_hold(steady, helpers):
    host = steady()
    put_answer(host, helpers)
    unit(host, "a.service", service("tcp 8001", "ReadyTCP=127.0.0.1:8001\nReadyUnix=/tmp/other.sock\n"
                                    "ReadyLog=listening\nReadyExec=/usr/bin/test -e /tmp/go"))
    host.start({}, tty=False)
    wait_until("it says what is missing", lambda: "other.sock" in (status(host)["units"]["a"]["status"] or ""))
    unit(host, "b.service", service("unix /tmp/other.sock", ""))
    host.exec(["hakimctl", "reload"])
    wait_until("it says what is missing", lambda: "/usr/bin/test" in (status(host)["units"]["a"]["status"] or ""))
    assert status(host)["units"]["a"]["sub"] == "ready-wait"
    host.put_file("/tmp/go", "")
    wait_units(host, a="running", b="running")


def test_an_http_server_must_answer_as_the_unit_says(steady, helpers):
    host = steady()
    put_answer(host, helpers)
    host.put_file("/tmp/reply", "HTTP/1.1 200 OK\r\n\r\nok\n")
    unit(host, "a.service", service("--reply /tmp/reply tcp 8001", "ReadyHTTP=http://127.0.0.1:8001/\n"
                                    "ReadyHTTPStatus=204 3xx\nReadyHTTPBody=/^ready: [0-9]+$/"))
    host.start({}, tty=False)

    def says(text: str) -> None:
        wait_until(text, lambda: text in (status(host)["units"]["a"]["status"] or ""))

    says("8001/: 200")
    host.put_file("/tmp/reply", "HTTP/1.1 302 Found\r\nA: ready: 1\r\n\r\nnot ready: 1\n")
    says("8001/: 302, but with another body")
    host.put_file("/tmp/reply", "HTTP/1.1 302 Found\r\n\r\nhm\nready: 17\n")
    wait_units(host, a="running")


def test_ready_exec_runs_as_the_services_user_and_leaves_its_processes_alone(steady, helpers):
    host = steady()
    put_answer(host, helpers)
    host.put_file("/usr/local/bin/who", "#!/bin/sh\nid -un >/tmp/who\necho \"${TOKEN-none} ${CODER_AGENT_TOKEN-none}\" "
                  ">>/tmp/who\necho still not\n[ -e /tmp/go ]\n", 0o755)
    unit(host, "a.service", service("tcp 8001", "ReadyExec=/usr/local/bin/who", "User=coder\nEnvironment=TOKEN=t"))
    host.start({"CODER_AGENT_TOKEN": "s3cret"}, tty=False)
    wait_until("it says why", lambda: status(host)["units"]["a"]["status"] ==
               "/usr/local/bin/who exited with status 1: still not")
    # It is written anew each time that it is asked.
    wait_until("it is asked as the service is", lambda: host.read_file("/tmp/who") == b"coder\nt none\n", 5)
    host.put_file("/tmp/go", "")
    wait_units(host, a="running")


def test_a_command_that_does_not_end_is_ended(steady, helpers):
    host = steady()
    put_answer(host, helpers)
    unit(host, "a.service", service("tcp 8001", "ReadyExec=/bin/sh -c 'sleep 1234; true'\nReadyTimeoutSec=200ms"))
    host.start({}, tty=False)
    wait_until("it says why", lambda: status(host)["units"]["a"]["status"] ==
               "/bin/sh has not ended within 0.2 s")
    assert len(host.exec(["pgrep", "-x", "sleep"], check=False).stdout.split()) <= 1
    host.exec(["hakimctl", "stop", "a"])
    wait_until("none is left", lambda: host.exec(["pgrep", "-x", "sleep"], check=False).returncode == 1)


def test_who_is_not_ready_in_time_has_failed(steady, helpers):
    host = steady()
    put_answer(host, helpers)
    unit(host, "a.service", service("tcp 8001", "ReadyTCP=127.0.0.1:8002", "TimeoutStartSec=500ms"))
    unit(host, "b.service", service("tcp 8003", "ReadyLog=never", "TimeoutStartSec=500ms\nType=exec"))
    unit(host, "c.service", "[Unit]\nRequires=a.service\nAfter=a.service\n" + service("tcp 8004", ""))
    host.start({}, tty=False)
    found = wait_units(host, a="failed", b="failed", c="failed")["units"]
    assert [found[name]["result"] for name in "abc"] == ["timeout", "timeout", "dependency"]
    assert found["a"]["ready_us"] is None


def test_a_hundred_services_that_are_asked_cost_little(steady, helpers):
    host = steady()
    put_answer(host, helpers)
    for i in range(100):
        unit(host, f"s{i}.service", service(f"unix /tmp/{i}.sock", f"ReadyUnix=/tmp/{i}.sock\n"
                                            f"HealthUnix=/tmp/{i}.sock\nHealthIntervalSec=1s"))
    host.start({}, tty=False)
    assert waits(host, "--all", "--timeout=20").returncode == 0
    wait_until("all are healthy", lambda: all((u["health"] or {}).get("state") == "healthy" for u in
                                              status(host)["units"].values() if u["name"].startswith("s")), 20)
    pid = supervisor(host)

    def ticks() -> int:
        text = Path(f"/proc/{pid}/stat").read_text("utf-8").rpartition(")")[2].split()
        return int(text[11]) + int(text[12])

    before, begin = ticks(), time.monotonic()
    time.sleep(3)  # what is measured, not a wait for something
    share = (ticks() - before) / os.sysconf("SC_CLK_TCK") / (time.monotonic() - begin)
    print(f"100 questions a second: {share:.1%} of a processor")
    assert share < 0.1


def test_only_what_this_run_logs_makes_it_ready(steady, helpers):
    host = steady()
    host.put_file("/usr/local/bin/talk",
                  "#!/bin/sh\n[ -e /tmp/quiet ] || echo up and running\nexec sleep 1000\n", 0o755)
    unit(host, "a.service", "[Service]\nExecStart=/usr/local/bin/talk\n[X-Hakim]\nReadyLog=up and running\n")
    host.start({}, tty=False)
    wait_units(host, a="running")
    host.put_file("/tmp/quiet", "")
    host.exec(["hakimctl", "restart", "--no-block", "a"])
    wait_units(host, a="ready-wait")
    crash(host)
    # The successor looks into the file: the line of the last run is there, and is none of this one.
    assert status(host)["units"]["a"]["sub"] == "ready-wait"
    assert b"up and running" in host.read_file("/var/log/hakim/a.log")
    wait_until("it sleeps", lambda: host.exec(["pgrep", "-x", "sleep"], check=False).returncode == 0)
    host.exec(["sh", "-c", "echo up and running >/proc/$(pgrep -x sleep)/fd/1"])
    wait_units(host, a="running")


def test_an_unhealthy_service_is_restarted_after_so_many_failures_and_not_before(steady, helpers):
    host = steady()
    put_answer(host, helpers)
    unit(host, "a.service", service("--reply /tmp/reply --count /tmp/count tcp 8001", "ReadyTCP=127.0.0.1:8001\n"
                                    "HealthHTTP=http://127.0.0.1:8001/health\nHealthIntervalSec=1\nHealthRetries=4",
                                    "Restart=on-watchdog\nRestartSec=100ms"))
    host.start({}, tty=False)
    found = wait_units(host, a="running")
    assert found["units"]["a"]["health"] == {"state": "starting", "failures": 0, "text": None}
    wait_until("it is healthy", lambda: (status(host)["units"]["a"]["health"] or {}).get("state") == "healthy")
    assert "Health: healthy (http://127.0.0.1:8001/health: 200)" in host.exec(["hakimctl", "status", "a"]).stdout
    # Failures that are not in a row.
    host.put_file("/tmp/reply", "HTTP/1.1 500 Oh\r\n\r\n")
    wait_until("two failures", lambda: status(host)["units"]["a"]["health"]["failures"] >= 2)
    host.root("/tmp/reply").unlink()
    wait_until("none", lambda: status(host)["units"]["a"]["health"]["failures"] == 0)
    # What is read anew and has not changed goes on as it was.
    host.exec(["hakimctl", "reload"])
    assert status(host)["units"]["a"]["health"]["state"] == "healthy"
    assert status(host)["units"]["a"]["restarts"] == 0
    before = asked(host)
    host.put_file("/tmp/reply", "HTTP/1.1 503 Oh\r\n\r\n")
    wait_until("it is restarted", lambda: status(host)["units"]["a"]["restarts"] == 1)
    # Four bad answers, perhaps one good one before them, and the question of the new readiness.
    assert 4 <= asked(host) - before <= 7
    log = host.exec(["hakimctl", "logs", "hakim"]).stdout
    assert "it is unhealthy (4 failures in a row): http://127.0.0.1:8001/health: 503" in log
    host.root("/tmp/reply").unlink()
    wait_until("it is healthy again", lambda: (status(host)["units"]["a"]["health"] or {}).get("state") == "healthy")


def test_without_restart_an_unhealthy_service_has_failed(steady, helpers):
    host = steady()
    put_answer(host, helpers)
    unit(host, "a.service", service("tcp 8001", "HealthExec=/bin/sh -c 'echo so bad; exit 3'\nHealthIntervalSec=50ms\n"
                                    "HealthRetries=1"))
    host.start({}, tty=False)
    found = wait_units(host, a="failed")["units"]["a"]
    assert found["result"] == "unhealthy"
    assert found["last_error"] == "it is unhealthy (1 failure in a row): /bin/sh exited with status 3: so bad"
    assert found["health"]["state"] == "unhealthy"


def test_failures_in_the_start_period_do_not_count(steady, helpers):
    host = steady()
    put_answer(host, helpers)
    unit(host, "a.service", service("tcp 8001", "HealthTCP=127.0.0.1:8002\nHealthIntervalSec=50ms\nHealthRetries=2\n"
                                    "HealthStartPeriodSec=5"))
    host.start({}, tty=False)
    wait_units(host, a="running")
    wait_until("it was asked", lambda: "refused" in (status(host)["units"]["a"]["health"]["text"] or ""))
    assert status(host)["units"]["a"]["health"] == {"state": "starting", "failures": 0,
                                                    "text": "127.0.0.1:8002: Connection refused"}
    found = wait_units(host, a="failed")["units"]["a"]
    assert found["since_us"] - found["ready_us"] > 5_000_000


@pytest.mark.timeout(180)
def test_supervisors_die_while_probes_run_and_nothing_is_lost(steady, helpers):
    host = steady()
    put_answer(host, helpers)
    unit(host, "ready.service", service("--after 4000 tcp 8001", "ReadyTCP=127.0.0.1:8001\nReadyExec=/bin/sleep 0.3\n"
                                        "ReadyLog=listening"))
    unit(host, "well.service", service("tcp 8002", "HealthHTTP=http://127.0.0.1:8002/\nHealthExec=/bin/sleep 0.1\n"
                                       "HealthIntervalSec=20ms\nHealthRetries=1", "Restart=always"))
    unit(host, "ill.service", service("--reply /tmp/reply tcp 8003", "HealthHTTP=http://127.0.0.1:8003/\n"
                                      "HealthIntervalSec=400ms\nHealthRetries=6", "Restart=always\nRestartSec=50ms"))
    host.start({}, tty=False)
    wait_units(host, ready="ready-wait", well="running", ill="running")
    for _ in range(15):
        crash(host)
    found = wait_units(host, ready="running", well="running", ill="running")["units"]
    assert found["ready"]["ready_us"] - found["ready"]["exec_us"] >= 3_900_000
    assert [found[name]["restarts"] for name in ("ready", "well", "ill")] == [0, 0, 0]
    # The number of failures is what the dead one has counted.
    host.put_file("/tmp/reply", "HTTP/1.1 500 Oh\r\n\r\n")
    wait_until("some", lambda: status(host)["units"]["ill"]["health"]["failures"] >= 3)
    crash(host)
    seen = status(host)["units"]["ill"]
    assert seen["restarts"] == 1 or seen["health"]["failures"] >= 3
    wait_until("it is restarted", lambda: status(host)["units"]["ill"]["restarts"] == 1)
    assert status(host)["units"]["well"]["restarts"] == 0
    assert host.stop() == 0


def test_probes_wake_the_supervisor_only_when_one_is_due(steady, helpers):
    host = steady()
    put_answer(host, helpers)
    unit(host, "a.service", service("tcp 8001", "ReadyLog=listening\nReadyTCP=127.0.0.1:8001"))
    unit(host, "b.service", service("tcp 8002", "ReadyLog=listening\nHealthTCP=127.0.0.1:8002\nHealthIntervalSec=1h"))
    host.start({}, tty=False)
    wait_units(host, a="running", b="running")
    assert system_calls(supervisor(host), 5) == 0


def waits(host, *words: str):
    return host.exec(["hakimctl", "wait", *words], check=False)


def test_wait_says_what_has_become_of_the_units(steady, helpers):
    host = steady()
    put_answer(host, helpers)
    unit(host, "soon.service", service("--after 700 tcp 8001", "ReadyTCP=127.0.0.1:8001"))
    unit(host, "skipped.service", "[Unit]\nConditionPathExists=/nowhere\n[Service]\nExecStart=/bin/sleep 1000\n")
    unit(host, "once.service", "[Service]\nType=oneshot\nExecStart=/bin/sleep 0.5\n")
    host.start({}, tty=False)
    # The supervisor is perhaps not there yet.
    done = waits(host, "--all", "--timeout=20")
    assert done.returncode == 0, done.stderr
    found = status(host)["units"]
    assert [found[name]["sub"] for name in ("soon", "skipped", "once")] == ["running", "skipped", "dead"]
    assert waits(host, "soon", "once").returncode == 0
    done = waits(host, "soon", "skipped")
    assert (done.returncode, done.stderr) == (
        1, "hakimctl: skipped.service was not started: ConditionPathExists=/nowhere was not met\n")
    assert waits(host, "nobody").returncode == 4
    assert waits(host).returncode == 2
    assert waits(host, "--all", "soon").returncode == 2
    unit(host, "never.service", service("tcp 8002", "ReadyTCP=127.0.0.1:8003"))
    unit(host, "bad.service", "[Unit]\nAfter=never.service\n[Service]\nExecStart=/bin/false\nType=oneshot\n")
    host.exec(["hakimctl", "reload"])
    wait_until("it was asked", lambda: "refused" in (status(host)["units"]["never"]["status"] or ""))
    done = waits(host, "never", "--timeout=0.4")
    assert (done.returncode, done.stderr) == (
        124, "hakimctl: not ready in time: never.service ready-wait: 127.0.0.1:8003: Connection refused\n")
    done = waits(host, "--all", "--timeout", "0.4")
    assert done.returncode == 124
    assert "never.service ready-wait" in done.stderr and "bad.service waiting" in done.stderr
    host.exec(["hakimctl", "stop", "never"])
    done = waits(host, "--all")
    assert done.returncode == 1
    assert "bad.service failed: /bin/false exited with status 1" in done.stderr


def test_wait_goes_on_when_the_supervisor_is_replaced(steady, helpers):
    host = steady()
    put_answer(host, helpers)
    unit(host, "a.service", service("tcp 8001", "ReadyExec=/usr/bin/test -e /tmp/go"))
    host.start({}, tty=False)
    wait_units(host, a="ready-wait")
    script = "hakimctl wait a --timeout=30; echo $? >/tmp/status"
    host.exec(["sh", "-c", f"setsid sh -c '{script}' >/tmp/out 2>&1 </dev/null &"])
    wait_until("it waits", lambda: host.exec(["pgrep", "-x", "hakimctl"], check=False).returncode == 0)
    crash(host)
    status(host)
    assert not host.root("/tmp/status").exists(), host.read_file("/tmp/out")
    host.put_file("/tmp/go", "")
    wait_until("it has ended", lambda: host.root("/tmp/status").exists() and host.read_file("/tmp/status"))
    assert (host.read_file("/tmp/status"), host.read_file("/tmp/out")) == (b"0\n", b"")
