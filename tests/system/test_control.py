"""What acts on a service that runs: a signal, a reload, a restart of what is up; and the past forgotten."""
from __future__ import annotations

import json
import re
import signal

from hakim import status, unit, wait_trap, wait_units
from hosts.process import wait_until

SYSTEMCTL = "/usr/lib/hakim/bin/systemctl"
WRITER = "[Service]\nExecStart=/bin/sh -c \"trap 'echo {name} got HUP' HUP; while :; do sleep 0.05; done\"\n"


def log(host, name: str) -> str:
    """The log of a unit."""
    return host.exec(["hakimctl", "logs", name]).stdout


def test_kill_sends_a_signal_and_restart_decides_what_follows(lxc):
    host = lxc()
    unit(host, "one.service", WRITER.format(name="one") + "Restart=always\nRestartSec=0\n")
    host.start({}, tty=False)
    first = wait_units(host, one="running")["units"]["one"]["pid"]
    wait_trap(host, "one", number=signal.SIGHUP)
    host.exec(["hakimctl", "kill", "-s", "HUP", "--whom=main", "one"])
    wait_until("it had the signal", lambda: "one got HUP" in log(host, "one"))
    assert status(host)["units"]["one"]["pid"] == first
    host.exec(["hakimctl", "kill", "--signal=KILL", "one"])
    wait_until("it runs again", lambda: status(host)["units"]["one"]["sub"] == "running" and
               status(host)["units"]["one"]["pid"] != first)
    assert status(host)["units"]["one"]["restarts"] == 1
    for words, says in ((["kill", "-s", "NONSENSE", "one"], "NONSENSE"),
                        (["kill", "--whom=me", "one"], "main, control"),
                        (["kill", "two"], "two")):
        done = host.exec(["hakimctl", *words], check=False)
        assert done.returncode != 0 and says in done.stderr
    host.exec(["hakimctl", "stop", "one"])
    assert "has no process" in host.exec(["hakimctl", "kill", "one"], check=False).stderr
    assert host.stop() == 0


def test_reset_failed_forgets(lxc):
    host = lxc()
    unit(host, "bad.service", "[Service]\nExecStart=/bin/false\n")
    unit(host, "worse.service", "[Service]\nExecStart=/bin/false\n")
    host.start({}, tty=False)
    wait_units(host, bad="failed", worse="failed")
    host.exec(["hakimctl", "reset-failed", "bad"])
    wait_units(host, bad="dead", worse="failed")
    assert host.exec([SYSTEMCTL, "reset-failed"]).returncode == 0
    wait_units(host, bad="dead", worse="dead")
    assert host.exec([SYSTEMCTL, "is-failed", "worse"], check=False).returncode == 1
    assert host.stop() == 0


def test_a_reload_runs_what_the_unit_says_and_is_waited_for(lxc):
    host = lxc()
    unit(host, "one.service", WRITER.format(name="one") +
         "ExecReload=/bin/sh -c 'sleep 0.3; echo reloads $MAINPID >>/var/reloads; kill -HUP $MAINPID'\n")
    unit(host, "fixed.service", "[Service]\nExecStart=/bin/sleep 1000\n")
    host.start({}, tty=False)
    before = wait_units(host, one="running", fixed="running")["units"]
    wait_trap(host, "one", number=signal.SIGHUP)
    host.exec(["hakimctl", "reload", "one"])
    after = status(host)["units"]["one"]
    assert after["pid"] == before["one"]["pid"] and after["sub"] == "running"
    assert host.read_file("/var/reloads").decode() == f"reloads {after['pid']}\n", "the command was waited for"
    wait_until("it had the signal", lambda: "one got HUP" in log(host, "one"))
    done = host.exec(["hakimctl", "reload", "fixed"], check=False)
    assert done.returncode == 1 and "has no ExecReload=" in done.stderr
    host.exec(["hakimctl", "reload-or-restart", "fixed"])
    assert wait_units(host, fixed="running")["units"]["fixed"]["pid"] != before["fixed"]["pid"]
    assert host.exec([SYSTEMCTL, "reload", "one"]).returncode == 0
    assert host.read_file("/var/reloads").count(b"reloads") == 2
    assert host.stop() == 0


def test_try_restart_leaves_alone_what_does_not_run(lxc):
    host = lxc()
    for name in ("up", "down"):
        unit(host, f"{name}.service", "[Service]\nExecStart=/bin/sleep 1000\n")
    host.start({}, tty=False)
    before = wait_units(host, up="running", down="running")["units"]["up"]["pid"]
    host.exec(["hakimctl", "stop", "down"])
    host.exec(["hakimctl", "try-restart", "up", "down"])
    found = wait_units(host, up="running", down="dead")["units"]
    assert found["up"]["pid"] != before
    assert host.exec([SYSTEMCTL, "try-restart", "down"]).returncode == 0
    wait_units(host, down="dead")
    assert host.stop() == 0


def test_cat_prints_the_file_and_its_drop_ins(lxc):
    host = lxc()
    unit(host, "one.service", "[Service]\nExecStart=/bin/sleep 1000\n")
    unit(host, "one.service.d/more.conf", "[Service]\nRestart=always\n")
    host.start({}, tty=False)
    wait_units(host, one="running")
    assert host.exec(["hakimctl", "cat", "one"]).stdout == (
        "# /etc/hakim/modules/one.service\n[Service]\nExecStart=/bin/sleep 1000\n\n"
        "# /etc/hakim/modules/one.service.d/more.conf\n[Service]\nRestart=always\n")
    assert host.exec([SYSTEMCTL, "cat", "one"]).stdout == host.exec(["hakimctl", "cat", "one.service"]).stdout
    done = host.exec(["hakimctl", "cat", "two"], check=False)
    assert done.returncode == 4 and "there is no unit file of two" in done.stderr
    assert host.stop() == 0


def check_openmetrics(text: str) -> dict[str, str]:
    """The specification's rules that a scraper insists on; the values by sample."""
    lines = text.split("\n")
    assert lines[-2:] == ["# EOF", ""]
    family, kinds, found = "", {}, {}
    for line in lines[:-2]:
        if meta := re.fullmatch(r"# (TYPE|UNIT|HELP) ([a-z_]+) (.+)", line):
            if meta[1] == "TYPE":
                family = meta[2]
                assert family not in kinds, "the samples of a family stand together"
                kinds[family] = meta[3]
            assert meta[2] == family
            assert meta[1] != "UNIT" or family.endswith("_" + meta[3])
            continue
        sample = re.fullmatch(r'([a-z_]+)(\{(?:[a-z_]+="(?:[^"\\]|\\.)*",?)*\})? (-?[0-9.]+)', line)
        assert sample, line
        suffix = {"counter": "_total", "info": "_info"}.get(kinds[family], "")
        assert sample[1] == family + suffix, line
        assert sample[1] + (sample[2] or "") not in found
        found[sample[1] + (sample[2] or "")] = sample[3]
    return found


def test_metrics_are_openmetrics(lxc):
    host = lxc()
    unit(host, "one.service", "[Service]\nExecStart=/bin/sleep 1000\nRestart=always\nRestartSec=0\n")
    unit(host, "bad.service", "[Service]\nExecStart=/bin/false\n")
    unit(host, "busy.service", "[Service]\nExecStart=/bin/sh -c 'while :; do :; done'\n")
    host.start({}, tty=False)
    wait_units(host, one="running", bad="failed", busy="running")
    wait_until("what runs is told while it runs", lambda: status(host)["units"]["busy"]["cpu_run_us"] > 200_000)
    assert status(host)["units"]["bad"]["cpu_run_us"] is None
    assert status(host)["units"]["busy"]["cpu_us"] == 0, "that is of what has ended"
    host.exec(["hakimctl", "kill", "-s", "KILL", "one"])
    wait_until("it was started again", lambda: status(host)["units"]["one"]["restarts"] == 1)
    found = check_openmetrics(host.exec(["hakimctl", "metrics"]).stdout)
    assert found['hakim_unit_restarts_total{unit="one.service"}'] == "1"
    assert found['hakim_unit_state{unit="bad.service",hakim_unit_state="failed"}'] == "1"
    assert found['hakim_unit_state{unit="bad.service",hakim_unit_state="active"}'] == "0"
    assert int(found['hakim_unit_memory_bytes{unit="one.service"}']) > 0
    assert float(found['hakim_unit_cpu_seconds_total{unit="busy.service"}']) > 0.2
    assert found["hakim_supervisor_starts_total"] == "1"
    assert host.stop() == 0


def test_the_tree_of_dependencies_is_drawn_both_ways(lxc):
    host = lxc()
    run = "[Service]\nExecStart=/bin/sleep 1000\n"
    unit(host, "top.service", "[Unit]\nRequires=left.service right.service\n" + run)
    unit(host, "left.service", "[Unit]\nWants=base.service\n" + run)
    unit(host, "right.service", "[Unit]\nRequires=base.service\n" + run)
    unit(host, "base.service", "[Unit]\nWants=round.service\n" + run)
    unit(host, "round.service", "[Unit]\nWants=base.service\n" + run)
    host.start({}, tty=False)
    wait_units(host, top="running", left="running", right="running", base="running", round="running")
    assert host.exec(["hakimctl", "list-dependencies", "top"]).stdout.splitlines() == [
        "● top.service", "● ├─left.service", "● │ └─base.service", "● │   └─round.service",
        "● │     └─base.service (a circle)", "● └─right.service", "●   └─base.service (see above)"]
    plain = host.exec(["hakimctl", "list-dependencies", "left", "--reverse"], env={"LANG": "C"}).stdout
    assert plain.splitlines() == ["* left.service", "* `-top.service"]
    assert host.exec(["hakimctl", "list-dependencies", "none"], check=False).returncode == 4
    assert "top.service" in host.exec(["hakimctl", "list-dependencies"]).stdout
    assert host.stop() == 0


def test_show_prints_the_commands_of_a_unit_in_both_of_its_names(lxc):
    host = lxc()
    unit(host, "one.service", "[Service]\nExecStartPre=/bin/true\nExecStartPre=-/bin/true a 'b c'\n"
         "ExecStart=/bin/sleep 1000\nExecReload=/bin/kill -HUP $MAINPID\nTimeoutStopSec=90500ms\n"
         "[X-Hakim]\nHealthExec=/bin/true\n")
    host.start({}, tty=False)
    wait_units(host, one="running")
    wanted = "ExecStartPre,ExecReload,TimeoutStopUSec,SubState,HealthExec"
    told = host.exec(["hakimctl", "show", "one", "-p", wanted]).stdout
    assert told.splitlines() == [
        "ExecStartPre={ path=/bin/true ; argv[]=/bin/true ; ignore_errors=no }",
        "ExecStartPre={ path=/bin/true ; argv[]=/bin/true a b c ; ignore_errors=yes }",
        "ExecReload={ path=/bin/kill ; argv[]=/bin/kill -HUP $MAINPID ; ignore_errors=no }",
        "TimeoutStopUSec=1min 30s 500ms", "SubState=running",
        "HealthExec={ path=/bin/true ; argv[]=/bin/true ; ignore_errors=no }"]
    assert host.exec([SYSTEMCTL, "show", "one", "-p", wanted]).stdout == told
    assert host.exec(["hakimctl", "show", "one", "-p", "MainPID", "--value"]).stdout.strip().isdigit()
    none = host.exec(["hakimctl", "show", "none", "-p", "LoadState"], check=False)
    assert (none.returncode, none.stdout) == (4, "") and "there is no unit none.service" in none.stderr
    none = host.exec([SYSTEMCTL, "show", "none", "-p", "LoadState"])
    assert none.stdout == "LoadState=not-found\n", "scripts ask systemctl so"
    assert host.stop() == 0


def test_show_has_all_that_files_drop_ins_and_the_supervisor_say(lxc):
    host = lxc()
    unit(host, "one.service", "[Unit]\nConditionPathExists=/etc\nConditionPathExists=|!/nowhere\n"
         "[Service]\nExecStart=/bin/sleep 1000\nEnvironment=A=1 DB_PASSWORD=hidden-1 MINE=hidden-2\n"
         "[X-Hakim]\nHealthExec=/bin/true\n")
    host.put_file("/etc/hakim/modules/one.service.d/more.conf", "[Service]\nLimitNOFILE=10:20\nPrivateTmp=yes\n"
                  "ExecReload=/bin/true\n")
    unit(host, "skipped.service", "[Unit]\nConditionPathExists=/nowhere\n[Service]\nExecStart=/bin/true\n")
    unit(host, "web.socket", "[Socket]\nListenStream=/run/web\nListenStream=127.0.0.1:7000\nMaxConnections=5\n")
    unit(host, "web.service", "[Service]\nExecStart=/bin/sleep 1000\n")
    host.start({"HAKIM_SECRET_ENV": "MINE", "MINE": "hidden-3"}, tty=False)
    wait_units(host, one="running", skipped="skipped")
    told = json.loads(host.exec(["hakimctl", "show", "--json", "one", "skipped", "web.socket"]).stdout)["units"]
    one, skipped, web = told
    assert (one["LimitNOFILE"], one["LimitNOFILESoft"], one["PrivateTmp"]) == ("20", "10", "yes")
    assert one["ExecReload"].startswith("{ path=/bin/true") and one["CanReload"] == "yes"
    assert one["Environment"] == "A=1 DB_PASSWORD=[secret] MINE=[secret]" and "hidden" not in str(told)
    assert one["Conditions"] == [
        "{ type=ConditionPathExists ; trigger=no ; negate=no ; parameter=/etc ; state=succeeded }",
        "{ type=ConditionPathExists ; trigger=yes ; negate=yes ; parameter=/nowhere ; state=succeeded }"]
    assert (one["ConditionResult"], one["AssertResult"], skipped["ConditionResult"]) == ("yes", "yes", "no")
    assert skipped["Conditions"].endswith("state=failed }")
    assert web["Listen"] == ["/run/web (Stream)", "127.0.0.1:7000 (Stream)"] and web["MaxConnections"] == "5"
    assert web["Service"] == "web.service" and web["Triggers"] == "web.service"
    assert "Listen" not in one and "ExecStart" not in web
    text = host.exec([SYSTEMCTL, "show", "web.socket", "-p", "Listen,Accept"]).stdout
    assert text.splitlines() == ["Listen=/run/web (Stream)", "Listen=127.0.0.1:7000 (Stream)", "Accept=no"]
    assert host.stop() == 0
