"""The containers of a stand-in Proxmox: a configuration with pending changes, a state, tasks that take their time.

As pve-container 6.1.10 does it: of a running container only some options change at once, a new mount point is
put over what is there, and the rest waits for its stop; `env` replaces the whole list; a PUT with a digest that is
old is refused; only root@pam may set paths as mount points and hookscripts; a shutdown without forceStop does not
kill; a container's end frees every volume that has its number in its name, whether it is mounted or not.
"""
from __future__ import annotations

import hashlib
import json
import re
import subprocess
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

ENV = re.compile(r"(?:\w+=[^\x00-\x08\x0a-\x1F\x7F]*)(?:\0\w+=[^\x00-\x08\x0a-\x1F\x7F]*)*", re.A)
AT_ONCE = {"description", "onboot", "startup", "protection", "hostname", "hookscript", "cores", "tags"}


class Refused(Exception):
    """An error of the API, with its number, and of which parameter it is."""

    def __init__(self, number: int, text: str, errors: dict[str, str] | None = None) -> None:
        super().__init__(text)
        self.number, self.text, self.errors = number, text, errors


class Container:
    """One, as it stands. `booted` are the environments it was started with, `killed` whether it was."""

    def __init__(self, config: dict[str, str], running: bool) -> None:
        self.config, self.pending, self.running = dict(config), dict[str, str](), running
        self.deleted: set[str] = set()
        self.booted: list[str] = [config.get("env", "")] if running else []
        self.mounted: list[str] = []
        self.killed = False
        self.files: dict[str, str] = {}

    @property
    def digest(self) -> str:
        """Of all that is written."""
        text = json.dumps([self.config, self.pending, sorted(self.deleted)], sort_keys=True)
        return hashlib.sha1(text.encode()).hexdigest()

    def view(self, current: bool) -> dict[str, str]:
        """What GET says."""
        seen = dict(self.config) if current else {k: v for k, v in {**self.config, **self.pending}.items()
                                                  if k not in self.deleted}
        return {**seen, "digest": self.digest}

    def apply(self) -> None:
        """What waited for the stop."""
        for name in self.deleted:
            self.config.pop(name, None)
        self.config.update(self.pending)
        self.pending, self.deleted = {}, set()


class Containers:
    """All of them. `how` says what goes wrong, `new_task` and `end_task` keep the tasks."""

    def __init__(self, how: Callable[[str], str], new_task: Callable[..., str], end_task: Callable[..., None]) -> None:
        self.how, self.new_task, self.end_task = how, new_task, end_task
        self.all: dict[int, Container] = {}
        self.volumes: set[str] = set()
        self.hooks: dict[str, tuple[Path, dict[str, str]]] = {}
        self.root = Path("/")
        self.takes = 0.02
        self.active: dict[str, tuple[int, str]] = {}
        self.lock = threading.RLock()

    def add(self, number: int, config: dict[str, str], running: bool) -> Container:
        """One that is there."""
        self.all[number] = Container(config, running)
        return self.all[number]

    def call(self, verb: str, number: int, what: str, params: dict[str, str], user: str) -> Any:
        """One call of the API."""
        with self.lock:
            one = self.all.get(number)
            if one is None:
                raise Refused(500, f"Configuration file 'nodes/pve/lxc/{number}.conf' does not exist")
            if (verb, what) == ("get", "config"):
                return one.view(params.get("current") == "1")
            if (verb, what) == ("set", "config"):
                return self._set(one, dict(params), user)
            if (verb, what) == ("get", "status/current"):
                return {"vmid": number, "status": "running" if one.running else "stopped", "type": "lxc"}
            if (verb, what) == ("create", "status/shutdown"):
                return self._shutdown(one, number, params, user)
            if (verb, what) == ("create", "status/start"):
                return self._start(one, number, user)
            if (verb, what) == ("create", "status/stop"):
                one.killed, one.running = True, False
                return self.new_task("pve", "vzstop", user, ["TASK OK"], "OK")
            if (verb, what) == ("delete", ""):
                return self._destroy(number, user)
        raise Refused(501, f"Method '{verb} /nodes/pve/lxc/{number}/{what}' not implemented")

    def _check(self, one: Container, params: dict[str, str], user: str) -> None:
        how = self.how("put")
        if how == "no-tags" and "tags" in params:
            raise Refused(403, "Permission check failed (/vms/300, tags)")
        if how == "forbidden":
            raise Refused(403, "Permission check failed (/vms/300, VM.Config.Options)")
        if how == "locked":
            raise Refused(500, "CT is locked (backup)")
        if "digest" in params and params.pop("digest") != one.digest:
            raise Refused(500, "detected modified configuration - file changed by other user? Try again.")
        if "env" in params and not ENV.fullmatch(params["env"]):
            raise Refused(400, "Parameter verification failed.", {"env": "value does not match the regex pattern"})
        if user != "root@pam":
            if any(re.fullmatch(r"mp\d+", k) and v.startswith("/") for k, v in params.items()):
                raise Refused(403, "Permission check failed (mount point type bind is only allowed for root@pam)")
            if "hookscript" in params:
                raise Refused(403, "Permission check failed (changing the hookscript is only allowed for root@pam)")

    def _set(self, one: Container, params: dict[str, str], user: str) -> None:
        self._check(one, params, user)
        deleted = {x for x in params.pop("delete", "").split(",") if x}
        if "env" in params:
            # It is kept as lines, stripped at their ends.
            params["env"] = "\0".join(x.rstrip() for x in params["env"].split("\0") if x)
        for name, value in params.items():
            if one.running and re.fullmatch(r"mp\d+", name) and name not in one.config:
                if value.startswith("/") and not self._path(value).is_dir():
                    raise Refused(400, "Parameter verification failed.", {name: f"unable to hotplug {name}"})
                one.mounted.append(value)
                one.config[name] = value
            elif not one.running or name in AT_ONCE:
                one.config[name] = value
                one.pending.pop(name, None)
            else:
                one.pending[name] = value
        for name in deleted:
            if not one.running or name in AT_ONCE:
                old = one.config.pop(name, "")
                if re.fullmatch(r"mp\d+", name) and not old.startswith("/"):
                    one.config["unused0"] = old.split(",")[0]
            else:
                one.deleted.add(name)

    def _path(self, value: str) -> Path:
        return self.root / value.split(",")[0].lstrip("/")

    def _later(self, number: int, kind: str, user: str, takes: float, do: Callable[[], tuple[str, list[str]]]) -> str:
        upid = self.new_task("pve", kind, user, [f"{kind} {number}"], None)
        self.active[upid] = (number, kind)

        def work() -> None:
            time.sleep(takes)
            with self.lock:
                end, log = do()
                self.active.pop(upid)
                self.end_task(upid, end, log)

        threading.Thread(target=work, daemon=True).start()
        return upid

    def tasks(self, number: int) -> list[dict[str, Any]]:
        """Those that run."""
        return [{"upid": u, "type": kind, "id": str(n), "node": "pve"}
                for u, (n, kind) in list(self.active.items()) if n == number]

    def _shutdown(self, one: Container, number: int, params: dict[str, str], user: str) -> str:
        if not one.running:
            raise Refused(500, f"CT {number} not running")
        how = self.how("shutdown")

        def do() -> tuple[str, list[str]]:
            if how == "stuck":
                # Only this would kill it.
                if params.get("forceStop") != "1":
                    return "container did not stop", ["lxc-stop: timeout", "container did not stop"]
                one.killed = True
            one.running = False
            one.apply()
            return "OK", ["TASK OK"]

        return self._later(number, "vzshutdown", user, self.takes, do)

    def _start(self, one: Container, number: int, user: str) -> str:
        if one.running:
            raise Refused(500, f"CT {number} already running")
        how = self.how("start")

        def do() -> tuple[str, list[str]]:
            if one.running:
                return f"CT {number} already running", []
            if how == "fail":
                return f"startup for container '{number}' failed", ["run_buffer: 571 Script exited with status 1"]
            one.apply()
            if why := self._before(one, number):
                return why, [why]
            one.running = True
            one.booted.append(one.config.get("env", ""))
            return ("WARNINGS: 1" if how == "warnings" else "OK"), ["TASK OK"]

        return self._later(number, "vzstart", user, self.takes, do)

    def _before(self, one: Container, number: int) -> str:
        if hook := self.hooks.get(one.config.get("hookscript", "")):
            script, environment = hook
            (Path(environment["HAKIM_PVE_DIR"]) / f"lxc/{number}.conf").write_text(
                "".join(f"{k}: {v}\n" for k, v in sorted(one.config.items()) if k != "env"))
            done = subprocess.run([str(script), str(number), "pre-start"], env=environment, text=True,
                                  capture_output=True)
            if done.returncode:
                return f"hookscript error for {number} on pre-start: {done.stderr}"
        for name, value in one.config.items():
            if re.fullmatch(r"mp\d+", name) and value.startswith("/") and not self._path(value).is_dir():
                return f"startup for container '{number}' failed: {value} does not exist"
        return ""

    def _destroy(self, number: int, user: str) -> str:
        one = self.all[number]
        if one.running:
            raise Refused(500, "unable to remove CT " + str(number) + " - running")
        del self.all[number]
        self.volumes = {v for v in self.volumes if not re.search(rf"[:/](vm|subvol)-{number}-", v)}
        return self.new_task("pve", "vzdestroy", user, ["TASK OK"], "OK")
