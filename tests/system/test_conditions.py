"""Conditions and assertions, asked of a real container."""
from __future__ import annotations

import platform

from hakim import status, unit, wait_units

HOLD = [
    "PathExists=/etc/passwd", "PathExistsGlob=/etc/pass*", "PathIsDirectory=/etc", "PathIsMountPoint=/proc",
    "PathIsReadWrite=/etc", "PathIsSymbolicLink=/bin", "DirectoryNotEmpty=/etc", "FileNotEmpty=/etc/passwd",
    "FileIsExecutable=/bin/sh", "User=root", "User=@system", "Group=root", "Virtualization=lxc",
    "Virtualization=container", "Virtualization=private-users", f"KernelVersion={platform.release()}",
    "KernelVersion=>=3", "Architecture=native", "Capability=CAP_CHOWN", "Memory=1M", "CPUs=>=1",
    "OSRelease=ID=debian", "FirstBoot=no", "ACPower=yes", "KernelCommandLine=/usr/sbin/hakim-init",
    "PathIsSocket=/run/hakim/control.sock",
]
FAIL = ["PathIsDirectory=/etc/passwd", "PathIsMountPoint=/etc", "Virtualization=docker", "Virtualization=vm",
        "User=coder", "NeedsUpdate=/etc", "FirstBoot=yes", "Memory=1000T", "CPUs=>4096", "Host=another",
        "PathIsEncrypted=/etc"]


def test_each_kind_is_asked_of_the_container(lxc):
    host = lxc()
    for i, text in enumerate(HOLD + FAIL):
        name, value = text.split("=", 1)
        unit(host, f"c{i}.service", f"[Unit]\nCondition{text}\n[Service]\nExecStart=/bin/sleep 1000\n")
        unit(host, f"n{i}.service", f"[Unit]\nCondition{name}=!{value}\n[Service]\nExecStart=/bin/sleep 1000\n")
    host.start({}, tty=False)
    want = {f"c{i}": "running" if text in HOLD else "skipped" for i, text in enumerate(HOLD + FAIL)}
    want |= {f"n{i}": "skipped" if text in HOLD else "running" for i, text in enumerate(HOLD + FAIL)}
    assert host.exec(["hakimctl", "wait", "--all", "--timeout=20"], check=False).returncode == 0
    found = status(host)["units"]
    wrong = {name: ((HOLD + FAIL)[int(name[1:])], found[name]["sub"], found[name]["status"])
             for name in want if found[name]["sub"] != want[name]}
    assert not wrong


def test_an_assertion_that_does_not_hold_is_a_failure_and_holds_up_who_requires_it(lxc):
    host = lxc()
    unit(host, "a.service", "[Unit]\nAssertPathExists=/tmp/nowhere\n[Service]\nExecStart=/bin/sleep 1000\n")
    unit(host, "b.service", "[Unit]\nRequires=a.service\nAfter=a.service\n[Service]\nExecStart=/bin/sleep 1000\n")
    unit(host, "c.service", "[Unit]\nConditionPathExists=/tmp/nowhere\nAssertPathExists=/tmp/nowhere\n"
                            "[Service]\nExecStart=/bin/sleep 1000\n")
    host.start({}, tty=False)
    found = wait_units(host, a="failed", b="failed", c="skipped")["units"]
    assert (found["a"]["result"], found["a"]["last_error"]) == ("assert", "AssertPathExists=/tmp/nowhere was not met")
    assert found["b"]["result"] == "dependency"
    done = host.exec(["hakimctl", "start", "a"], check=False)
    assert done.returncode == 1 and "AssertPathExists=/tmp/nowhere was not met" in done.stderr
    host.put_file("/tmp/nowhere", "")
    host.exec(["hakimctl", "start", "b"])
    wait_units(host, a="running", b="running")
