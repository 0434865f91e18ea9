"""What a unit asks for in identity, limits and protection holds for its process, and what does not is said."""
from __future__ import annotations

import json
import os
import signal
from pathlib import Path

import pytest

from hakim import environ, services, supervisor, unit, wait_units
from hosts.process import wait_until

ATTEMPT = "/usr/local/bin/attempt"


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


@pytest.fixture
def host(lxc, helpers):
    """A container with the program that tries things."""
    made = lxc()
    made.put_file(ATTEMPT, (helpers / "attempt").read_bytes(), 0o755)
    return made


def attempt(host, name, what, lines, more=""):
    """A oneshot that tries what is listed."""
    unit(host, f"{name}.service", f"[Service]\nType=oneshot\nExecStart={ATTEMPT} {what}\n{lines}\n{more}")


def tried(host, name):
    """What it said: {"ptrace": "EPERM"}."""
    lines = host.read_file(f"/var/log/hakim/{name}.log").decode().splitlines()
    return dict(line.split(" ", 1)[1].rsplit(" ", 1) for line in lines)


def run_attempts(host, **want):
    """Starts the container; what each unit said, once all are over."""
    host.start({}, tty=False)
    found = wait_units(host, **want)["units"]
    said = {}

    def complete():
        for name, sub in want.items():
            if sub == "dead":
                said[name] = tried(host, name)
        return all(said.get(name) for name, sub in want.items() if sub == "dead")

    wait_until("the logs are written", complete, 10)
    return said, found


def test_a_filter_gives_the_errno_that_it_names_or_kills(host):
    attempt(host, "plain", "ptrace exec-memory suid namespace inet6 unix", "")
    attempt(host, "soft", "ptrace unix", "SystemCallFilter=~ptrace\nSystemCallErrorNumber=EUCLEAN")
    attempt(host, "named", "ptrace mount", "SystemCallFilter=~ptrace:EBUSY @mount:ENOSYS")
    attempt(host, "user", "ptrace", "SystemCallFilter=~ptrace\nSystemCallErrorNumber=EUCLEAN\nUser=coder")
    attempt(host, "nnp", "ptrace", "SystemCallFilter=~ptrace\nSystemCallErrorNumber=EUCLEAN\nUser=coder\n"
            "NoNewPrivileges=yes")
    attempt(host, "allow", "ptrace unix", "SystemCallFilter=@system-service\nSystemCallErrorNumber=EUCLEAN")
    attempt(host, "args", "exec-memory suid namespace inet6 unix", "MemoryDenyWriteExecute=yes\n"
            "RestrictSUIDSGID=yes\nRestrictNamespaces=yes\nRestrictAddressFamilies=AF_UNIX\nUser=coder")
    attempt(host, "kill", "ptrace", "SystemCallFilter=~ptrace")
    said, found = run_attempts(host, plain="dead", soft="dead", named="dead", user="dead", nnp="dead", allow="dead",
                               args="dead", kill="failed")
    assert said["plain"] == {"ptrace": "ok", "exec-memory": "ok", "suid": "ok", "namespace": "ok", "inet6": "ok",
                             "unix": "ok"}
    assert said["soft"] == {"ptrace": "EUCLEAN", "unix": "ok"}
    assert said["named"] == {"ptrace": "EBUSY", "mount": "ENOSYS"}
    assert said["user"] == said["nnp"] == {"ptrace": "EUCLEAN"}
    assert said["allow"] == {"ptrace": "EUCLEAN", "unix": "ok"}
    assert said["args"] == {"exec-memory": "EPERM", "suid": "EPERM", "namespace": "EPERM", "inet6": "EAFNOSUPPORT",
                            "unix": "ok"}
    assert "SIGSYS" in found["kill"]["last_error"]
    assert host.stop() == 0


def test_capabilities_are_bounded_and_given(lxc):
    host = lxc()
    sleeper(host, "none", "CapabilityBoundingSet=")
    sleeper(host, "some", "User=coder\nCapabilityBoundingSet=CAP_NET_BIND_SERVICE CAP_CHOWN\n"
            "AmbientCapabilities=CAP_NET_BIND_SERVICE\nNoNewPrivileges=yes")
    sleeper(host, "filtered", "User=coder\nSystemCallFilter=~ptrace")
    sleeper(host, "bits", "SecureBits=noroot")
    unit(host, "plus.service", "[Service]\nExecStart=+/bin/sleep 1000\nCapabilityBoundingSet=\nUser=coder\n")
    host.start({}, tty=False)
    found = wait_units(host, none="running", some="running", filtered="running", bits="running",
                       plus="running")["units"]
    pids = {proc_status(pid)["NSpid"].split()[-1]: pid for pid in services(host, "sleep")}
    have = {name: proc_status(pids[str(found[name]["pid"])]) for name in found if found[name]["pid"]}
    assert {int(have["none"][c], 16) for c in ("CapBnd", "CapPrm", "CapEff", "CapInh", "CapAmb")} == {0}
    assert have["none"]["NoNewPrivs"] == "0"
    assert int(have["some"]["CapBnd"], 16) == 1 << 10 | 1 << 0
    assert {int(have["some"][c], 16) for c in ("CapPrm", "CapEff", "CapInh", "CapAmb")} == {1 << 10}
    assert have["some"]["NoNewPrivs"] == "1"
    assert have["some"]["Uid"].split()[0] == "101000"
    assert int(have["filtered"]["CapEff"], 16) == int(have["filtered"]["CapPrm"], 16) == 0, \
        "what was kept to load the filter is gone"
    assert have["filtered"]["Seccomp"] == "2"
    assert int(have["bits"]["CapEff"], 16) == 0
    assert int(have["plus"]["CapBnd"], 16) > 1 << 30
    assert host.stop() == 0


def test_unknown_names_refuse_the_unit_with_its_line(lxc):
    host = lxc()
    sleeper(host, "call", "SystemCallFilter=~flyaway")
    sleeper(host, "cap", "CapabilityBoundingSet=CAP_FLY")
    host.start({}, tty=False)
    notes = wait_units(host)["manager"]["notes"]
    assert any("call.service:3: SystemCallFilter: there is no system call \"flyaway\"" in n for n in notes)
    assert any("cap.service:3: CapabilityBoundingSet: there is no capability \"CAP_FLY\"" in n for n in notes)
    assert host.stop() == 0


def test_without_cap_sys_admin_a_filter_needs_no_new_privileges(podman):
    host = podman()
    sleeper(host, "bare", "SystemCallFilter=~ptrace")
    sleeper(host, "nnp", "SystemCallFilter=~ptrace\nNoNewPrivileges=yes")
    host.start({}, ["sleep", "1000"], tty=False)
    found = wait_units(host, bare="failed", nnp="running")["units"]
    assert "without NoNewPrivileges=yes needs CAP_SYS_ADMIN" in found["bare"]["last_error"]
    host.stop()


def test_a_file_system_namespace_has_what_the_unit_says(host):
    host.put_file("/srv/data/file", "x")
    host.put_file("/tmp/outside", "x")
    host.put_file("/home/coder/secret", "x")
    attempt(host, "tmp", "list:/tmp list:/var/tmp write:/tmp write:/var/tmp", "PrivateTmp=yes")
    attempt(host, "strict", "write:/etc write:/usr write:/srv/data write:/var/tmp write:/dev/shm write:/var/lib/mine "
            "write:/run read:/srv/data/file",
            "ProtectSystem=strict\nReadWritePaths=/srv/data\nStateDirectory=mine")
    attempt(host, "full", "write:/etc write:/usr write:/srv", "ProtectSystem=full")
    attempt(host, "yes", "write:/etc write:/usr", "ProtectSystem=yes")
    attempt(host, "home", "list:/home list:/root", "ProtectHome=yes")
    attempt(host, "readhome", "list:/home write:/home/coder", "ProtectHome=read-only")
    attempt(host, "paths", "read:/srv/data/file list:/srv write:/opt/bound exec:/bin/true",
            "InaccessiblePaths=/srv/data/file -/nowhere\nReadOnlyPaths=/srv\nBindReadOnlyPaths=/srv:/opt/bound\n")
    attempt(host, "noexec", "exec:/bin/true exec:/usr/local/bin/attempt",
            "NoExecPaths=/usr/bin\nExecPaths=/usr/local/bin")
    attempt(host, "tmpfs", "list:/srv write:/srv", "TemporaryFileSystem=/srv")
    attempt(host, "devices", "list:/dev read:/dev/null read:/dev/urandom write:/dev", "PrivateDevices=yes")
    attempt(host, "groups", "write:/sys/fs/cgroup", "ProtectControlGroups=yes")
    sleeper(host, "kernel", "ProtectKernelTunables=yes\nPrivateNetwork=yes\nPrivateIPC=yes\nProtectHostname=yes")
    names = "tmp strict full yes home readhome paths noexec tmpfs devices groups".split()
    said, found = run_attempts(host, **{name: "dead" for name in names}, kernel="running")
    assert said["tmp"] == {"list:/tmp": "ok", "list:/var/tmp": "ok", "write:/tmp": "ok", "write:/var/tmp": "ok"}
    assert said["strict"] == {"write:/etc": "EROFS", "write:/usr": "EROFS", "write:/srv/data": "ok",
                              "write:/var/tmp": "EROFS", "write:/dev/shm": "ok", "write:/var/lib/mine": "ok",
                              "write:/run": "EROFS", "read:/srv/data/file": "ok"}
    assert said["full"] == {"write:/etc": "EROFS", "write:/usr": "EROFS", "write:/srv": "ok"}
    assert said["yes"] == {"write:/etc": "ok", "write:/usr": "EROFS"}
    assert said["home"] == {"list:/home": "ok", "list:/root": "ok"}
    assert said["readhome"] == {"list:/home": "ENOTEMPTY", "write:/home/coder": "EROFS"}
    assert said["paths"] == {"read:/srv/data/file": "ENODATA", "list:/srv": "ENOTEMPTY", "write:/opt/bound": "EROFS",
                             "exec:/bin/true": "ok"}
    assert said["noexec"] == {"exec:/bin/true": "EACCES", "exec:/usr/local/bin/attempt": "ok"}
    assert said["tmpfs"] == {"list:/srv": "ok", "write:/srv": "ok"}
    assert said["devices"] == {"list:/dev": "ENOTEMPTY", "read:/dev/null": "ENODATA", "read:/dev/urandom": "ok",
                               "write:/dev": "EROFS"}
    assert said["groups"] == {"write:/sys/fs/cgroup": "EROFS"}
    [pid] = services(host, "sleep")
    mounts = {line.split()[4]: line.split()[5].split(",")[0]
              for line in Path(f"/proc/{pid}/mountinfo").read_text("utf-8").splitlines()}
    assert mounts["/proc/sys"] == mounts["/sys"] == "ro"
    assert mounts["/"] == "rw"
    for kind in ("net", "ipc", "uts", "mnt"):
        assert os.readlink(f"/proc/{pid}/ns/{kind}") != os.readlink(f"/proc/{host.pid}/ns/{kind}")
    assert not os.path.exists(host.root("/tmp/attempt-was-here"))
    assert os.path.exists(host.root("/tmp/outside"))
    assert os.listdir(host.root("/var/lib/hakim/private")) == [], "what was private went with its service"
    assert all(unit["notes"] == [] for name, unit in found.items() if name in [*names, "kernel"])
    assert host.stop() == 0


@pytest.mark.parametrize("kind", ["lxc", "podman"])
def test_a_proc_of_its_own_hides_others_or_is_said_to_be_missing(kind, request, helpers):
    host = request.getfixturevalue(kind)()
    host.put_file(ATTEMPT, (helpers / "attempt").read_bytes(), 0o755)
    tries = "read:/proc/1/status read:/proc/self/status read:/proc/uptime pause"
    lines = {"plain": "", "hidden": "ProtectProc=invisible", "subset": "ProcSubset=pid",
             "both": "ProtectProc=noaccess\nProcSubset=pid"}
    for name, more in lines.items():
        unit(host, f"{name}.service", f"[Service]\nExecStart={ATTEMPT} {tries}\nUser=nobody\n{more}\n")
        unit(host, f"{name}-strict.service", f"[Service]\nExecStart=/bin/sleep 1000\n{more}\n"
             "[X-Hakim]\nStrict=yes\n")
    if kind == "lxc":
        host.start({}, tty=False)
    else:
        host.start({}, ["sleep", "1000"], tty=False)
    found = wait_units(host, **{name: "running" for name in lines})["units"]
    wait_until("they have tried", lambda: all(len(tried(host, name)) == 3 for name in lines), 10)
    assert tried(host, "plain") == {word: "ok" for word in tries.split()[:-1]}
    for name in ("hidden", "subset", "both"):
        noted = [note for note in found[name]["notes"] if "this container forbids it" in note]
        assert bool(noted) == (kind == "podman"), found[name]["notes"]
        said = tried(host, name)
        assert said["read:/proc/self/status"] == "ok"
        wait_units(host, **{f"{name}-strict": "failed" if noted else "running"})
        if noted:
            assert noted[0].startswith(("ProtectProc= or ProcSubset=: ", "the mount namespace: "))
            assert said == tried(host, "plain"), "it has the container's"
        else:
            assert said["read:/proc/1/status"] == ("ok" if name == "subset" else
                                                   "ENOENT" if name == "hidden" else "EPERM")
            assert said["read:/proc/uptime"] == ("ok" if name == "hidden" else "ENOENT")
    host.stop()


def test_permissions_start_only_runs_the_other_commands_as_root(lxc):
    host = lxc()
    sleeper(host, "one", "User=coder\nProtectSystem=strict\nPermissionsStartOnly=yes\n"
            "ExecStartPre=/bin/sh -c 'id -u >/etc/before'\nExecStopPost=/bin/sh -c 'id -u >/etc/after'")
    host.start({}, tty=False)
    wait_units(host, one="running")
    [pid] = services(host, "sleep")
    assert proc_status(pid)["Uid"].split()[0] == "101000"
    host.exec(["hakimctl", "stop", "one"])
    assert host.read_file("/etc/before") == host.read_file("/etc/after") == b"0\n"
    assert host.stop() == 0


def mapped(pid, kind):
    """/proc/PID/uid_map as (inside, outside, count)."""
    return [tuple(map(int, line.split())) for line in Path(f"/proc/{pid}/{kind}_map").read_text("utf-8").splitlines()]


def test_private_users_are_root_and_the_units_own_and_its_capabilities_count_inside_only(host):
    sleeper(host, "plain", "User=coder\nPrivateUsers=yes")
    sleeper(host, "root", "PrivateUsers=self\nCapabilityBoundingSet=~CAP_SYS_ADMIN\nPrivateTmp=yes\n"
            "ProtectSystem=strict\nInaccessiblePaths=/proc\nPrivateNetwork=yes")
    sleeper(host, "ambient", "User=coder\nPrivateUsers=yes\nAmbientCapabilities=CAP_NET_BIND_SERVICE\n"
            "NoNewPrivileges=yes\nSystemCallFilter=~ptrace\nSupplementaryGroups=4321")
    sleeper(host, "filtered", "User=coder\nPrivateUsers=yes\nSystemCallFilter=~ptrace")
    sleeper(host, "same", "PrivateUsers=identity")
    sleeper(host, "all", "PrivateUsers=full")
    attempt(host, "tried", "mount namespace write:/etc", "PrivateUsers=yes\nPrivateMounts=yes")
    attempt(host, "outside", "mount", "PrivateUsers=yes")
    names = ("plain", "root", "ambient", "filtered", "same", "all")
    said, found = run_attempts(host, tried="dead", outside="dead", **{name: "running" for name in names})
    pids = {proc_status(pid)["NSpid"].split()[-1]: pid for pid in services(host, "sleep")}
    pid = {name: pids[str(found[name]["pid"])] for name in names}
    base = 100000
    own = [(0, base, 1), (1000, base + 1000, 1)]
    for name in ("plain", "ambient", "filtered"):
        assert mapped(pid[name], "uid") == mapped(pid[name], "gid") == own
        assert Path(f"/proc/{pid[name]}/setgroups").read_text("utf-8") == "deny\n"
        assert proc_status(pid[name])["Uid"].split()[0] == str(base + 1000)
        assert proc_status(pid[name])["Gid"].split()[0] == str(base + 1000)
    assert proc_status(pid["ambient"])["Groups"].split()[-1] == str(base + 4321), "groups were set before"
    assert int(proc_status(pid["plain"])["CapEff"], 16) == int(proc_status(pid["filtered"])["CapPrm"], 16) == 0
    assert int(proc_status(pid["ambient"])["CapEff"], 16) == 1 << 10
    assert proc_status(pid["filtered"])["Seccomp"] == "2"
    assert mapped(pid["root"], "uid") == [(0, base, 1)]
    assert not int(proc_status(pid["root"])["CapBnd"], 16) & 1 << 21, "a new namespace would give it back"
    assert mapped(pid["same"], "uid") == [(0, base, 65536)]
    for name in names[:-1]:
        assert os.readlink(f"/proc/{pid[name]}/ns/user") != os.readlink(f"/proc/{host.pid}/ns/user")
        assert found[name]["notes"] == []
    assert any("PrivateUsers=: this container forbids it" in note for note in found["all"]["notes"])
    assert said["outside"] == {"mount": "EPERM"}
    assert said["tried"] == {"mount": "EPERM", "namespace": "ok", "write:/etc": "ok"}
    assert host.stop() == 0


def test_what_the_container_forbids_of_sandboxing_is_noted_and_with_strict_it_fails(podman):
    host = podman()
    sleeper(host, "soft", "ProtectSystem=strict\nPrivateTmp=yes\nProtectClock=yes\nPrivateNetwork=yes\n"
            "PrivateUsers=yes")
    sleeper(host, "users", "PrivateUsers=yes", "[X-Hakim]\nStrict=yes\n")
    sleeper(host, "strict", "ProtectSystem=strict\nNoNewPrivileges=yes", "[X-Hakim]\nStrict=yes\n")
    sleeper(host, "missing", "ReadWritePaths=/nowhere")
    host.start({}, ["sleep", "1000"], tty=False)
    found = wait_units(host, soft="running", strict="failed", users="failed", missing="failed")["units"]
    for words in ("the mount namespace: this container forbids it (Operation not permitted)",
                  "PrivateNetwork=: this container forbids it", "PrivateUsers=: this container forbids it",
                  "ProtectClock= and its kin: this container forbids it"):
        assert any(words in note for note in found["soft"]["notes"])
    assert "file system namespace: Operation not permitted" in found["strict"]["last_error"]
    assert "could not be executed: PrivateUsers=: " in found["users"]["last_error"]
    assert "ReadWritePaths=/nowhere: there is no such path" in found["missing"]["last_error"]
    host.stop()


def test_credentials_are_the_users_own_in_memory_and_gone_with_the_service(host):
    host.put_file("/etc/secret", "hidden", 0o600)
    host.put_file("/etc/credstore/stored", "from the store", 0o600)
    sleeper(host, "one", "User=coder\nLoadCredential=loaded:/etc/secret\nLoadCredential=stored\n"
            "LoadCredential=given:/nowhere\nSetCredential=given:a\\x20b\\n\nEnvironment=WHERE=%d")
    sleeper(host, "none", "LoadCredential=x:/nowhere")
    host.start({}, tty=False)
    found = wait_units(host, one="running", none="failed")["units"]
    [pid] = services(host, "sleep")
    assert b"CREDENTIALS_DIRECTORY=/run/credentials/one.service" in environ(pid)
    assert b"WHERE=/run/credentials/one.service" in environ(pid)
    directory = "/run/credentials/one.service"
    shown = host.exec(["sh", "-c", f"cd {directory}; head -v -n9 *; stat -c '%n %a %U' . *; stat -f -c %T ."],
                      user="coder").stdout
    assert shown.splitlines() == ["==> given <==", "a b", "", "==> loaded <==", "hidden", "==> stored <==",
                                  "from the store. 500 coder", "given 400 coder", "loaded 400 coder",
                                  "stored 400 coder", "tmpfs"]
    assert host.exec(["setpriv", "--reuid=12345", "--clear-groups", "ls", directory], check=False).returncode != 0
    assert "credential x: No such file" in found["none"]["last_error"]
    host.exec(["hakimctl", "stop", "one"])
    assert host.exec(["ls", "/run/credentials"]).stdout == ""
    assert host.stop() == 0


def test_imported_credentials_are_those_of_the_pattern_and_the_first_store_counts(lxc):
    host = lxc()
    for path, text in {"/etc/credstore/web.key": "first", "/usr/lib/credstore/web.key": "second",
                       "/usr/lib/credstore/web.cert": "cert", "/etc/credstore/web.loaded": "no",
                       "/etc/credstore/web.set": "stored", "/etc/credstore/web.directory/file": "no",
                       "/etc/credstore/.web.hidden": "no", "/etc/credstore/other": "no", "/etc/mine": "loaded"}.items():
        host.put_file(path, text, 0o600)
    sleeper(host, "one", "User=coder\nImportCredential=web.*\nImportCredential=nothing\n"
            "LoadCredential=web.loaded:/etc/mine\nSetCredential=web.set:unit\nSetCredential=web.own:own")
    sleeper(host, "none", "ImportCredential=nothing.*")
    host.start({}, tty=False)
    found = wait_units(host, one="running", none="running")["units"]
    assert found["one"]["notes"] == []
    shown = host.exec(["sh", "-c", "cd /run/credentials/one.service; for f in $(ls -A); do echo $f $(cat $f); done"],
                      user="coder").stdout
    assert shown.splitlines() == ["web.cert cert", "web.key first", "web.loaded loaded", "web.own own",
                                  "web.set stored"]
    host.exec(["hakimctl", "stop", "one", "none"])
    assert host.exec(["ls", "/run/credentials"]).stdout == ""
    assert host.stop() == 0


def test_what_the_container_was_given_as_credentials_comes_first(lxc):
    host = lxc()
    host.put_file("/etc/credstore/a", "stored", 0o600)
    host.put_file("/etc/hakim/modules/given.service", "[Service]\nType=oneshot\nExecStart=/bin/sh -c "
                  "'mkdir -p /run/credentials/@system && echo -n given >/run/credentials/@system/a'\n")
    unit(host, "one.service", "[Unit]\nAfter=given.service\n[Service]\nExecStart=/bin/sleep 1000\nImportCredential=?\n")
    host.start({}, tty=False)
    wait_units(host, one="running")
    assert host.read_file("/run/credentials/one.service/a") == b"given"
    assert host.stop() == 0


def test_a_dynamic_user_has_a_number_of_its_own_and_what_it_implies(host):
    sleeper(host, "one", "DynamicUser=yes\nStateDirectory=one")
    sleeper(host, "two", "DynamicUser=yes\nUser=other")
    sleeper(host, "three", "DynamicUser=yes\nUser=coder")
    attempt(host, "tried", "write:/etc write:/home write:/tmp write:/var/lib/tried suid",
            "DynamicUser=yes\nStateDirectory=tried")
    said, found = run_attempts(host, one="running", two="running", three="running", tried="dead")
    pids = {proc_status(pid)["NSpid"].split()[-1]: pid for pid in services(host, "sleep")}
    have = {name: proc_status(pids[str(found[name]["pid"])]) for name in ("one", "two", "three")}
    numbers = {name: int(have[name]["Uid"].split()[0]) - 100000 for name in have}
    assert 61184 <= numbers["one"] <= 65519
    assert 61184 <= numbers["two"] <= 65519
    assert numbers["one"] != numbers["two"]
    assert numbers["three"] == 1000, "the user that is there"
    assert have["one"]["NoNewPrivs"] == "1"
    assert b"USER=other" in environ(pids[str(found["two"]["pid"])])
    assert said["tried"] == {"write:/etc": "EROFS", "write:/home": "EROFS", "write:/tmp": "ok",
                             "write:/var/lib/tried": "ok", "suid": "EPERM"}
    os.kill(supervisor(host), signal.SIGKILL)
    wait_units(host, one="running")
    host.exec(["hakimctl", "restart", "one"])
    after = wait_units(host, one="running")["units"]["one"]["pid"]
    [pid] = [p for p in services(host, "sleep") if proc_status(p)["NSpid"].split()[-1] == str(after)]
    assert int(proc_status(pid)["Uid"].split()[0]) - 100000 == numbers["one"]
    assert host.stop() == 0


def test_limits_without_their_controller_are_said_and_with_strict_they_fail(lxc):
    host = lxc()
    sleeper(host, "soft", "MemoryMax=64M\nTasksMax=50\nDelegate=yes\nUser=coder")
    sleeper(host, "strict", "MemoryMax=64M", "[X-Hakim]\nStrict=yes\n")
    host.start({}, tty=False)
    controllers = host.exec(["cat", "/sys/fs/cgroup/cgroup.controllers"]).stdout.split()
    if "memory" in controllers:
        found = wait_units(host, soft="running", strict="running")["units"]
        assert not any("MemoryMax=" in note for note in found["soft"]["notes"])
        assert host.read_file("/sys/fs/cgroup/hakim/soft.service/memory.max") == b"67108864\n"
    else:
        found = wait_units(host, soft="running", strict="failed")["units"]
        assert "MemoryMax=: no memory controller is delegated to this container" in found["soft"]["notes"]
        assert "MemoryMax= cannot be set" in found["strict"]["last_error"]
    assert host.exec(["stat", "-c", "%U", "/sys/fs/cgroup/hakim/soft.service"]).stdout == "coder\n"
    assert host.stop() == 0


def test_security_rates_the_services_of_the_container(lxc):
    host = lxc()
    sleeper(host, "open", "")
    sleeper(host, "closed", "DynamicUser=yes\nCapabilityBoundingSet=\nSystemCallFilter=@system-service\n"
            "RestrictNamespaces=yes\nPrivateNetwork=yes\nProtectKernelTunables=yes\nProtectKernelModules=yes")
    host.start({}, tty=False)
    wait_units(host, open="running", closed="running")
    shown = host.exec(["hakimctl", "security"]).stdout
    rows = {line.split()[0]: line.split()[1:] for line in shown.splitlines()[1:]}
    assert rows["open.service"][1] == "UNSAFE"
    assert rows["closed.service"][1] == "OK"
    assert float(rows["open.service"][0]) > 9 > 5 > float(rows["closed.service"][0])
    [unit_of] = json.loads(host.exec(["hakimctl", "security", "closed", "--json"]).stdout)["units"]
    checks = {check["name"]: check for check in unit_of["checks"]}
    assert checks["PrivateNetwork="]["ok"] is True
    assert checks["ProtectClock="]["ok"] is False
    assert abs(sum(check["exposure"] for check in checks.values()) - unit_of["exposure"]) < 0.3
    assert "Exposure of open.service: " in host.exec(["hakimctl", "security", "open"]).stdout
    assert host.exec(["hakimctl", "security", "nobody-knows"], check=False).returncode == 4
    assert host.stop() == 0
