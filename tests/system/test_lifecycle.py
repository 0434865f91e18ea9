"""How services start, live and end: daemons that fork, commands around the program, watchdogs, what
sd_notify says, limits, and the end of a service that is vital. Each where there are cgroups (LXC) and
where there are none (bare namespaces): there a service's processes are known by their sessions and by
INVOCATION_ID.
"""
from __future__ import annotations

import os
import random
import signal
import time
from pathlib import Path

import pytest

from hakim import (answers, comm, environ, services, status, supervisor, unit, wait_supervisor, wait_trap, wait_units,
                   zombies)
from hosts.process import children, wait_until

PUPPET = "/usr/local/bin/puppet"
KILLS = int(os.environ.get("HAKIM_KILLS", "200")) // 8


@pytest.fixture(params=["lxc", "unshare_host"])
def host(request, helpers):
    """A container with a puppet in it."""
    made = request.getfixturevalue(request.param)()
    made.put_file(PUPPET, (helpers / "puppet").read_bytes(), 0o755)
    return made


@pytest.fixture
def one(lxc, helpers):
    """The same, for what has nothing to do with cgroups."""
    made = lxc()
    made.put_file(PUPPET, (helpers / "puppet").read_bytes(), 0o755)
    return made


def service(host, name: str, text: str) -> None:
    """A unit; PUPPET stands for its path."""
    head, _, hakim = text.partition("[X-Hakim]")
    body = head if "[Unit]" in head else f"[Service]\n{head}"
    unit(host, f"{name}.service", (body + ("[X-Hakim]" + hakim if hakim else "")).replace("PUPPET", PUPPET))


def of(host, name: str):
    """The unit in the status."""
    return status(host)["units"][name]


def up(host, **want: str):
    """Starts the container and waits for the units."""
    host.start({"HAKIM_STOP_TIMEOUT": "20s"}, tty=False)
    return wait_units(host, **want)


def ours(host, number: int) -> int:
    """The pid of this machine for a pid of the container."""
    for pid in host.processes():
        try:
            for line in Path(f"/proc/{pid}/status").read_text("ascii").splitlines():
                if line.startswith("NSpid:") and line.split()[-1] == str(number):
                    return pid
        except OSError:
            continue
    return 0


def puppets(host) -> list[int]:
    """All puppets, also those that PID 1 has not as children, as this machine sees them."""
    return sorted(pid for pid in host.processes() if comm(pid) == "puppet")


def kill_supervisor(host) -> None:
    """kill -9, and wait until PID 1 has reaped it."""
    pid = wait_supervisor(host)
    os.kill(pid, signal.SIGKILL)
    wait_until("it is reaped", lambda: pid not in children(host.pid), 5, 0.001)


def gone(pid: int) -> bool:
    """It is not there any more, not even as a zombie."""
    return not os.path.exists(f"/proc/{pid}")


@pytest.mark.parametrize("how", ["PIDFile=/run/d.pid\n", "", "GuessMainPID=no\n"])
def test_a_daemon_that_forks_twice_is_up_seen_and_started_again(host, how):
    service(host, "d", f"Type=forking\n{how}Restart=always\nRestartSec=0\n"
            "ExecStart=PUPPET fork sleep=30 pid=/run/d.pid sleep\n".replace("sleep=30", "sleep=100"))
    found = up(host, d="running")
    [daemon] = puppets(host)
    if "no" not in how:
        assert ours(host, found["units"]["d"]["pid"]) == daemon
    else:
        assert found["units"]["d"]["pid"] is None
    os.kill(daemon, signal.SIGKILL)
    wait_until("it runs anew", lambda: puppets(host) and puppets(host) != [daemon] and
               of(host, "d")["sub"] == "running", 10)
    assert of(host, "d")["restarts"] == 1
    if "no" not in how:
        assert of(host, "d")["ends"][0]["result"] == "signal"
    host.exec(["hakimctl", "stop", "d"])
    assert not puppets(host)
    wait_until("no zombie is left", lambda: not zombies(host), 5)
    assert host.stop() == 0


def test_a_daemon_that_wipes_its_environment_is_believed_when_root_has_written_its_pid(host):
    service(host, "d", "Type=forking\nPIDFile=d.pid\nExecStart=PUPPET fork wipe setsid pid=/run/d.pid sleep\n")
    found = up(host, d="running")
    [daemon] = puppets(host)
    assert ours(host, found["units"]["d"]["pid"]) == daemon
    kill_supervisor(host)
    wait_units(host, d="running")
    assert puppets(host) == [daemon]
    host.exec(["hakimctl", "stop", "d"])
    assert not puppets(host)


def test_a_pid_file_that_names_a_strangers_process_is_not_believed(host):
    service(host, "other", "ExecStart=/bin/sleep 1000\n")
    service(host, "d", "[Unit]\nAfter=other.service\n[Service]\nType=forking\nPIDFile=/run/d.pid\n"
            "TimeoutStartSec=1\nExecStart=/bin/sh -c '" + PUPPET + " fork sleep & "
            "pidof sleep | cut -d\" \" -f1 >/run/d.pid; chmod 666 /run/d.pid'\n")
    found = up(host, other="running", d="failed")
    assert found["units"]["d"]["result"] == "timeout"
    assert services(host, "sleep"), "the stranger lives"
    assert not puppets(host)


def test_a_daemon_that_never_writes_its_pid_and_ends_has_failed_at_once(host):
    service(host, "d", "Type=forking\nPIDFile=/run/d.pid\nExecStart=PUPPET fork sleep=20\n")
    began = time.monotonic()
    found = up(host, d="failed")
    assert time.monotonic() - began < 10
    assert found["units"]["d"]["result"] == "protocol"
    assert "d.pid" in found["units"]["d"]["last_error"]


@pytest.mark.parametrize("how", ["PIDFile=/run/d.pid\n", ""])
def test_the_supervisor_may_die_at_any_moment_of_a_forking_start(host, how):
    service(host, "d", f"Type=forking\n{how}Restart=always\nRestartSec=0\n"
            "ExecStart=PUPPET append=/run/starts fork sleep=20 pid=/run/d.pid sleep\n")
    up(host, d="running")
    dice = random.Random(2)
    for _ in range(KILLS):
        for daemon in puppets(host):
            os.kill(daemon, signal.SIGKILL)
        time.sleep(dice.uniform(0, 0.1))  # a moment of the start, not a wait for something
        kill_supervisor(host)
        wait_until("there is one daemon, and it is known", lambda: answers(host) and
                   of(host, "d")["sub"] == "running" and len(puppets(host)) == 1, 20)
    [daemon] = puppets(host)
    os.kill(daemon, signal.SIGKILL)
    wait_until("its end is seen", lambda: puppets(host) not in ([], [daemon]), 10)
    wait_until("no zombie is left", lambda: not zombies(host), 5)
    host.exec(["hakimctl", "stop", "d"])
    assert not puppets(host)
    assert host.stop() == 0


def test_an_end_that_falls_between_two_supervisors_is_not_lost(host):
    service(host, "d", "Type=forking\nPIDFile=/run/d.pid\nRestart=always\nRestartSec=0\n"
            "ExecStart=PUPPET fork pid=/run/d.pid sleep\n")
    up(host, d="running")
    for _ in range(5):
        wait_units(host, d="running")
        [daemon] = puppets(host)
        old = wait_supervisor(host)
        os.kill(old, signal.SIGSTOP)
        os.kill(daemon, signal.SIGKILL)
        wait_until("PID 1 has reaped it", lambda d=daemon: gone(d), 5, 0.001)
        os.kill(old, signal.SIGKILL)
        wait_until("it runs anew", lambda d=daemon: len(puppets(host)) == 1 and puppets(host) != [d], 10)
    wait_units(host, d="running")
    assert of(host, "d")["restarts"] == 5


def test_what_left_the_session_is_ended_before_the_next_start(host):
    service(host, "d", "Restart=always\nRestartSec=0\nExecStart=/bin/sh -c '"
            f"{PUPPET} fork append=/run/strays sleep; sleep 0.2; "
            "until [ -s /run/strays ]; do sleep 0.01; done; exit 3'\n")
    up(host)
    wait_until("it has crashed five times", lambda: answers(host) and of(host, "d")["restarts"] >= 5, 20)
    assert len(puppets(host)) <= 1, "strays pile up"
    host.exec(["hakimctl", "stop", "d"])
    assert not puppets(host)
    wait_until("no zombie is left", lambda: not zombies(host), 5)


def test_kill_mode_process_spares_what_the_service_has_started(host):
    service(host, "d", "KillMode=process\nExecStart=/bin/sh -c '" + PUPPET + " fork sleep; exec sleep 1000'\n")
    up(host, d="running")
    wait_until("the other is there", lambda: len(puppets(host)) == 1, 5)
    spared = puppets(host)
    host.exec(["hakimctl", "restart", "d"])
    wait_units(host, d="running")
    wait_until("the second is there", lambda: len(puppets(host)) == 2, 5)
    host.exec(["hakimctl", "stop", "d"])
    assert set(spared) < set(puppets(host))


def test_a_service_that_needed_sigkill_starts_again_in_a_group_that_lives(host):
    unit(host, "deaf.service", "[Service]\n"
         "ExecStart=/bin/sh -c \"trap '' TERM; sleep 1000 & while :; do sleep 1; done\"\n"
         "TimeoutStopSec=100ms\nRestart=always\nRestartSec=0\n")
    host.start({"HAKIM_STOP_TIMEOUT": "10s"}, tty=False)
    before = wait_units(host, deaf="running")["units"]["deaf"]["pid"]
    for _ in range(3):
        wait_trap(host, "deaf")
        host.exec(["hakimctl", "restart", "deaf"])
        found = wait_units(host, deaf="running")["units"]["deaf"]
        assert found["pid"] != before
        assert found["restarts"] == 0, "what was started in the group was killed at once"
        before = found["pid"]
    assert host.stop() == 0


def test_all_commands_run_in_order_and_are_told_what_they_need(one):
    note = "/bin/sh -c 'echo {} ${{MAINPID:+main}} $SERVICE_RESULT $EXIT_CODE $EXIT_STATUS >>/run/marks'\n"
    service(one, "d", "".join([
        "ExecCondition=", note.format("condition"), "ExecStartPre=", note.format("pre"),
        "ExecStart=/bin/sh -c 'while [ ! -e /run/go ]; do sleep 0.02; done; exit 3'\n",
        "ExecStartPost=", note.format("post"), "ExecReload=", note.format("reload"),
        "ExecStopPost=", note.format("stop-post")]))
    up(one, d="running")
    host_marks = one.read_file("/run/marks").decode().splitlines()
    assert [line.split() for line in host_marks] == [["condition"], ["pre"], ["post", "main"]]
    one.exec(["touch", "/run/go"])
    found = wait_units(one, d="failed")
    last = one.read_file("/run/marks").decode().splitlines()[-1]
    assert last.split() == ["stop-post", "exit-code", "exited", "3"]
    assert found["units"]["d"]["ends"][0]["text"] == "exited with status 3"


def test_a_oneshot_runs_its_commands_one_after_the_other_and_may_stay_up(one):
    service(one, "d", "Type=oneshot\nRemainAfterExit=yes\nExecStart=/bin/sh -c 'sleep 0.1; echo a >>/run/marks'\n"
            "ExecStart=-/bin/false\nExecStart=/bin/sh -c 'echo b >>/run/marks'\n"
            "ExecStop=/bin/sh -c 'echo stop >>/run/marks'\n")
    service(one, "none", "Type=oneshot\nRemainAfterExit=yes\nExecStop=/bin/sh -c 'echo none >>/run/marks'\n")
    service(one, "bad", "Type=oneshot\nExecStart=/bin/false\nExecStart=/bin/sh -c 'echo never >>/run/marks'\n")
    found = up(one, d="exited", none="exited", bad="failed")
    assert found["units"]["d"]["active"] == "active"
    assert one.read_file("/run/marks") == b"a\nb\n"
    kill_supervisor(one)
    wait_units(one, d="exited", none="exited", bad="failed")
    one.exec(["hakimctl", "stop", "d", "none"])
    assert sorted(one.read_file("/run/marks").split()) == [b"a", b"b", b"none", b"stop"]


@pytest.mark.parametrize("status_code, state", [(0, "running"), (1, "skipped"), (254, "skipped"), (255, "failed")])
def test_an_exec_condition_skips_or_fails(one, status_code, state):
    service(one, "d", f"ExecCondition=/bin/sh -c 'exit {status_code}'\nExecStart=/bin/sleep 1000\nRestart=always\n"
            "RestartSec=1h\n" if state != "failed" else
            "ExecCondition=/bin/sh -c 'exit 255'\nExecStart=/bin/sleep 1000\n")
    up(one, d=state)


def test_a_notify_service_tells_all_there_is_to_tell(one):
    service(one, "d", "Type=notify\nExecStart=PUPPET sleep=50 say=READY=1\\\\nSTATUS=ready\\\\nERRNO=5 until=/run/go "
            "say=STOPPING=1\\\\nSTATUS=stopping until=/run/end exit=0\n")
    found = up(one, d="running")
    assert found["units"]["d"]["status"] == "ready"
    assert found["units"]["d"]["errno"] == 5
    kill_supervisor(one)
    assert wait_units(one, d="running")["units"]["d"]["status"] == "ready"
    one.exec(["touch", "/run/go"])
    assert wait_units(one, d="stop-sigterm")["units"]["d"]["status"] == "stopping"
    assert puppets(one), "it is not signalled"
    one.exec(["touch", "/run/end"])
    wait_units(one, d="dead")


def test_mainpid_names_the_process_whose_end_counts(host):
    service(host, "d", "Type=notify\nNotifyAccess=all\nRestart=always\nRestartSec=0\n"
            "ExecStart=PUPPET child say=MAINPID=$$$$\\\\nREADY=1 sleep\n")
    service(host, "e", "Type=notify\nNotifyAccess=main\nTimeoutStartSec=1\n"
            "ExecStart=PUPPET child say=READY=1 sleep\n")
    host.start({"HAKIM_STOP_TIMEOUT": "20s"}, tty=False)
    found = wait_units(host, d="running", e="failed")
    assert found["units"]["e"]["result"] == "timeout", "a child may not speak for it"
    for kill_first in (False, True, False):
        parent, child = puppets(host)
        assert ours(host, of(host, "d")["pid"]) == child
        if kill_first:
            kill_supervisor(host)
            wait_units(host, d="running")
        os.kill(child, signal.SIGKILL)
        wait_until("both are new", lambda old=(parent, child): len(puppets(host)) == 2 and
                   not set(puppets(host)) & set(old) and of(host, "d")["sub"] == "running", 10)
    assert of(host, "d")["restarts"] == 3
    assert host.stop() == 0


def test_last_words_are_heard_before_the_end_of_who_said_them(one):
    names = [f"d{i}" for i in range(40)]
    for name in names:
        service(one, name, f"Type=notify\nExecStart=PUPPET say=READY=1\\\\nSTATUS={name} exit=3\n")
    found = up(one, **{name: "failed" for name in names})
    for name in names:
        assert found["units"][name]["status"] == name
        assert found["units"][name]["ready_us"] is not None
        assert found["units"][name]["result"] == "exit-code"


def test_a_watchdog_that_is_not_fed_ends_the_service(host):
    service(host, "d", "Type=notify\nWatchdogSec=300ms\nRestart=on-watchdog\nRestartSec=0\n"
            "ExecStart=PUPPET say=READY=1 append=/run/starts sleep=100 say=WATCHDOG=1 sleep=100 say=WATCHDOG=1 sleep\n")
    service(host, "fed", "Type=notify\nWatchdogSec=2\n"
            "ExecStart=PUPPET say=READY=1 mark say=WATCHDOG=1 sleep=50 again\n")
    service(host, "pulled", "Type=notify\nWatchdogSec=1h\nExecStart=PUPPET say=READY=1 say=WATCHDOG=trigger sleep\n")
    host.start({"HAKIM_STOP_TIMEOUT": "20s"}, tty=False)
    wait_until("it was restarted", lambda: answers(host) and of(host, "d")["restarts"] >= 2, 15)
    assert of(host, "d")["ends"][0]["result"] == "watchdog"
    assert wait_units(host, pulled="failed")["units"]["pulled"]["result"] == "watchdog"
    kill_supervisor(host)
    time.sleep(4)  # twice its WatchdogSec=
    assert of(host, "fed")["restarts"] == 0
    assert of(host, "fed")["sub"] == "running"


def test_a_hung_service_is_found_by_the_next_supervisor(one):
    service(one, "d", "Type=notify\nWatchdogSec=1\nExecStart=PUPPET say=READY=1 sleep\n")
    up(one, d="running")
    kill_supervisor(one)
    assert wait_units(one, d="failed", timeout=10)["units"]["d"]["result"] == "watchdog"


def test_extended_time_is_granted_and_ends(one):
    service(one, "d", "Type=notify\nTimeoutStartSec=2\nExecStart=PUPPET say=EXTEND_TIMEOUT_USEC=6000000 sleep=3000 "
            "say=READY=1 sleep\n")
    service(one, "e", "Type=notify\nTimeoutStartSec=2\nExecStart=PUPPET say=EXTEND_TIMEOUT_USEC=2500000 sleep\n")
    found = up(one, d="running", e="failed")
    assert found["units"]["e"]["result"] == "timeout"


def test_the_main_process_alone_decides_by_its_exit_status(one):
    service(one, "good", "SuccessExitStatus=42 TEMPFAIL SIGUSR1\nExecStart=/bin/sh -c 'exit 42'\n")
    service(one, "temp", "SuccessExitStatus=42 TEMPFAIL SIGUSR1\nExecStart=/bin/sh -c 'exit 75'\n")
    service(one, "sig", "SuccessExitStatus=42 TEMPFAIL SIGUSR1\nExecStart=/bin/sh -c 'kill -USR1 $$$$'\n")
    service(one, "prevent", "Restart=always\nRestartPreventExitStatus=7\nExecStart=/bin/sh -c 'exit 7'\n")
    service(one, "force", "Restart=no\nRestartForceExitStatus=8\nRestartSec=1h\nExecStart=/bin/sh -c 'exit 8'\n")
    up(one, good="dead", temp="dead", sig="dead", prevent="failed", force="auto-restart")


def test_a_start_limit_gives_up_and_is_not_forgotten_by_a_crash(one):
    service(one, "d", "[Unit]\nStartLimitIntervalSec=1h\nStartLimitBurst=4\n[Service]\nRestart=always\nRestartSec=0\n"
            "ExecStart=/bin/sh -c 'echo x >>/run/starts; exit 1'\n")
    found = up(one, d="failed")
    assert found["units"]["d"]["result"] == "start-limit-hit"
    assert len(one.read_file("/run/starts").split()) == 4
    kill_supervisor(one)
    assert wait_units(one, d="failed")["units"]["d"]["result"] == "start-limit-hit"
    one.exec(["hakimctl", "start", "d"], check=False)
    assert len(one.read_file("/run/starts").split()) == 4


def test_the_last_ten_ends_are_kept_across_a_crash(one):
    service(one, "d", "Restart=always\nRestartSec=0\nExecStart=/bin/sh -c 'n=$(cat /run/n 2>/dev/null || echo 0); "
            "echo $((n + 1)) >/run/n; [ $n -ge 12 ] && exec sleep 1000; exit $n'\n")
    up(one)
    wait_until("it stays", lambda: answers(one) and of(one, "d")["restarts"] == 12 and
               of(one, "d")["sub"] == "running", 20)
    ends = of(one, "d")["ends"]
    assert [e["text"] for e in ends] == [f"exited with status {n}" for n in range(11, 1, -1)]
    assert [e["at_us"] for e in ends] == sorted((e["at_us"] for e in ends), reverse=True)
    kill_supervisor(one)
    assert wait_units(one, d="running")["units"]["d"]["ends"] == ends


def cpu_ticks(pid: int) -> int:
    """User and system time of a process."""
    fields = Path(f"/proc/{pid}/stat").read_text("ascii").rpartition(")")[2].split()
    return int(fields[11]) + int(fields[12])


@pytest.mark.timeout(180)
def test_a_service_that_crashes_at_once_1000_times_is_held_to_its_pauses(one):
    service(one, "fast", "Restart=always\nRestartSec=20ms\nExecStart=/bin/sh -c 'echo x >>/run/fast; exit 1'\n")
    service(one, "slow", "Restart=always\nRestartSec=10ms\nRestartSteps=4\nRestartMaxDelaySec=1h\n"
            "ExecStart=/bin/sh -c 'echo x >>/run/slow; exit 1'\n")
    began = time.monotonic()
    up(one)
    wait_until("it has crashed 1000 times", lambda: one.root("run/fast").exists() and
               len(one.read_file("/run/fast")) >= 2000, 150, 0.2)
    took = time.monotonic() - began
    assert took >= 1000 * 0.02
    host_pid = supervisor(one)
    assert len(one.read_file("/run/slow").split()) <= 6
    assert of(one, "fast")["restarts"] >= 999
    one.exec(["hakimctl", "stop", "fast"])
    before = cpu_ticks(host_pid)
    time.sleep(3)  # what is measured: a pause
    assert cpu_ticks(host_pid) == before
    wait_until("no zombie is left", lambda: not zombies(one), 5)
    assert supervisor(one) == host_pid


@pytest.mark.parametrize("command, code", [("exit 7", 7), ("kill -USR1 $$$$", 128 + signal.SIGUSR1), ("exit 0", 0)])
def test_the_end_of_a_vital_service_is_the_containers_end(one, command, code):
    service(one, "other", "ExecStart=/bin/sleep 1000\nExecStop=/bin/sh -c 'echo in-order >/var/mark'\n")
    service(one, "d", f"ExecStart=/bin/sh -c 'while [ ! -e /run/go ]; do sleep 0.02; done; {command}'\n"
            "[X-Hakim]\nVital=yes\n")
    up(one, d="running", other="running")
    one.exec(["touch", "/run/go"])
    assert one.wait(20) == code
    assert one.read_file("/var/mark") == b"in-order\n"


def test_a_vital_end_that_falls_between_two_supervisors_is_the_containers_end_all_the_same(one):
    service(one, "d", "ExecStart=PUPPET until=/run/go exit=9\n[X-Hakim]\nVital=yes\n")
    up(one, d="running")
    old = wait_supervisor(one)
    wait_until("it is a puppet", lambda: len(puppets(one)) == 1, 5)
    [main] = puppets(one)
    os.kill(old, signal.SIGSTOP)
    one.put_file("/run/go", "")
    wait_until("PID 1 has reaped it", lambda: gone(main), 5, 0.001)
    os.kill(old, signal.SIGKILL)
    assert one.wait(20) == 9


def test_a_vital_service_is_first_given_what_restart_allows_and_an_admin_may_stop_it(one):
    service(one, "d", "Restart=on-failure\nRestartSec=0\nExecStart=/bin/sh -c 'echo x >>/run/n; "
            "[ $(wc -l </run/n) -ge 3 ] || exit 1; exec sleep 1000'\n[X-Hakim]\nVital=yes\n")
    up(one)
    wait_until("it has tried three times", lambda: one.root("/run/n").exists() and
               len(one.read_file("/run/n").split()) == 3, 20)
    wait_units(one, d="running")
    one.exec(["hakimctl", "stop", "d"])
    wait_units(one, d="dead")
    assert one.stop() == 0


def test_failure_and_success_actions_stop_the_container_with_their_status(one):
    service(one, "d", "[Unit]\nFailureAction=exit\nFailureActionExitStatus=23\n[Service]\n"
            "ExecStart=/bin/sh -c 'while [ ! -e /run/go ]; do sleep 0.02; done; exit 1'\n")
    up(one, d="running")
    one.exec(["touch", "/run/go"])
    assert one.wait(20) == 23


def test_runtime_max_ends_a_run_as_a_timeout(one):
    service(one, "d", "RuntimeMaxSec=300ms\nExecStart=/bin/sleep 1000\n")
    assert up(one, d="failed")["units"]["d"]["result"] == "timeout"


def test_kill_mode_mixed_kills_the_others_as_soon_as_the_main_process_has_ended(host):
    service(host, "d", "KillMode=mixed\nExecStart=/bin/sh -c '" + PUPPET + " deaf sleep & exec sleep 1000'\n")
    up(host, d="running")
    wait_until("the deaf one is there", lambda: len(puppets(host)) == 1, 5)
    began = time.monotonic()
    host.exec(["hakimctl", "stop", "d"])
    assert time.monotonic() - began < 5
    assert not puppets(host)


def test_each_start_has_an_invocation_of_its_own(one):
    service(one, "d", "Restart=always\nRestartSec=0\nExecStart=PUPPET sleep\n")
    up(one, d="running")
    wait_until("it is a puppet", lambda: len(puppets(one)) == 1, 5)

    def invocation(pid: int) -> bytes:
        found = [e for e in environ(pid).split(b"\0") if e.startswith(b"INVOCATION_ID=")]
        return found[0] if len(found) == 1 else b""
    [first] = puppets(one)
    seen = invocation(first)
    assert len(seen) == len("INVOCATION_ID=") + 32
    os.kill(first, signal.SIGKILL)
    wait_until("it runs anew", lambda: puppets(one) not in ([], [first]), 5)
    assert invocation(puppets(one)[0]) not in (b"", seen)
