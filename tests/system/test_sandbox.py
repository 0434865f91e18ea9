"""What a unit asks for in identity, limits and protection holds for its process, and what does not is said."""
from __future__ import annotations

import os
from pathlib import Path

from hakim import environ, services, unit, wait_units


def proc_status(pid):
    """/proc/PID/status as a dictionary."""
    text = Path(f"/proc/{pid}/status").read_text("utf-8")
    return {key: value.strip() for key, _, value in (line.partition(":") for line in text.splitlines())}


def limits(pid):
    """/proc/PID/limits: (soft, hard) by name."""
    lines = Path(f"/proc/{pid}/limits").read_text("utf-8").splitlines()[1:]
    return {line[:26].strip(): tuple(line[26:].split()[:2]) for line in lines}


def sleeper(host, name, lines, more=""):
    """A service that sleeps, started before or with the container."""
    unit(host, f"{name}.service", f"[Service]\nExecStart=/bin/sleep 1000\n{lines}\n{more}")


def test_limits_mode_groups_and_directories_hold(lxc):
    host = lxc()
    sleeper(host, "one", "User=coder\nUMask=0077\nLimitNOFILE=512:1024\nLimitCORE=0\nNice=5\n"
            "SupplementaryGroups=4321\nRuntimeDirectory=one\nRuntimeDirectoryMode=0750\n"
            "OOMScoreAdjust=500\nCPUAffinity=0\nEnvironment=SHOWN=1 HIDDEN=1\nUnsetEnvironment=HIDDEN\n"
            "IOSchedulingClass=idle\nTimerSlackNSec=1ms")
    host.start({}, tty=False)
    found = wait_units(host, one="running")["units"]["one"]
    [pid] = services(host, "sleep")
    have = proc_status(pid)
    assert have["Umask"] == "0077"
    assert have["Groups"].split()[-1] == "104321"
    assert have["Cpus_allowed_list"] == "0"
    assert limits(pid)["Max open files"] == ("512", "1024")
    assert limits(pid)["Max core file size"] == ("0", "0")
    assert os.getpriority(os.PRIO_PROCESS, pid) == 5
    assert Path(f"/proc/{pid}/oom_score_adj").read_text("utf-8").strip() == "500"
    assert b"SHOWN=1" in environ(pid)
    assert b"HIDDEN" not in environ(pid)
    assert host.exec(["stat", "-c", "%a %U", "/run/one"]).stdout.split() == ["750", "coder"]
    assert found["notes"] == []
    host.exec(["hakimctl", "stop", "one"])
    assert host.exec(["test", "-e", "/run/one"], check=False).returncode == 1, "it goes with the service"
    assert host.stop() == 0


def test_what_lxc_forbids_of_limits_is_noted_and_with_strict_it_fails(lxc):
    host = lxc()
    sleeper(host, "soft", "OOMScoreAdjust=-900")
    sleeper(host, "strict", "OOMScoreAdjust=-900", "[X-Hakim]\nStrict=yes\n")
    host.start({}, tty=False)
    found = wait_units(host, soft="running", strict="failed")["units"]
    assert any("OOMScoreAdjust=: this container forbids it (Permission denied)" in n for n in found["soft"]["notes"])
    assert "resource limits: Permission denied" in found["strict"]["last_error"]
    assert host.stop() == 0
