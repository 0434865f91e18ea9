"""A Proxmox that is only files: nodes, stores, tasks. pvesh, pvesm and the REST server share it.

Everything lies under one directory: `store/NODE/STORE/` are templates, `tasks/` the tasks, and
`behaviour.json` says what goes wrong: {"pull": ["fail", "ok"], "delete": ["stay"], ...}, one word a
call, the last one for all that follow. What was asked is in `calls`, one line of JSON each.
"""
from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import time
from pathlib import Path
from typing import Any

from proxmox_containers import Containers, Refused

TEMPLATE = re.compile(r"\.(tar|tar\.(gz|xz|zst|bz2))$", re.I)


class Model:
    """The cluster as it stands in the files."""

    def __init__(self, root: Path) -> None:
        self.root = root
        (root / "tasks").mkdir(parents=True, exist_ok=True)
        self.containers = Containers(self._how, self._task, self._end)

    # What a test looks at, or sets.

    def store(self, node: str, store: str = "local") -> Path:
        """The directory of a store's templates; a link when the test has it elsewhere."""
        path = self.root / "store" / node / store
        if not path.exists():
            path.mkdir(parents=True)
        return path

    def behave(self, **words: list[str] | str) -> None:
        """From now on."""
        lists = {k: [v] if isinstance(v, str) else v for k, v in words.items()}
        (self.root / "behaviour.json").write_text(json.dumps(lists))

    def calls(self, *words: str) -> list[dict[str, Any]]:
        """What was asked, and has all these words in its path or verb."""
        path = self.root / "calls"
        every = [json.loads(x) for x in path.read_text().splitlines()] if path.exists() else []
        return [c for c in every if all(w in c["verb"] + " " + c["path"] for w in words)]

    # What the API does.

    def _how(self, what: str) -> str:
        path = self.root / "behaviour.json"
        words: dict[str, list[str]] = json.loads(path.read_text()) if path.exists() else {}
        mine = words.get(what, ["ok"])
        word = mine.pop(0) if len(mine) > 1 else mine[0]
        if words:
            path.write_text(json.dumps(words))
        return word

    def _task(self, node: str, kind: str, user: str, log: list[str], end: str | None) -> str:
        number = len(list((self.root / "tasks").iterdir())) + 1
        upid = f"UPID:{node}:{os.getpid():08X}:{number:08X}:{int(time.time()):08X}:{kind}:x:{user}:"
        task = {"node": node, "log": log, "status": "stopped" if end else "running",
                "exitstatus": end}
        self._save(upid, task)
        return upid

    def _save(self, upid: str, task: dict[str, Any]) -> None:
        name = hashlib.sha256(upid.encode()).hexdigest()[:32]
        # Whole at once: another may read it.
        new = self.root / f"task-{name}"
        new.write_text(json.dumps({"upid": upid, **task}))
        new.rename(self.root / "tasks" / name)

    def _end(self, upid: str, end: str, log: list[str]) -> None:
        task = self.task(upid)
        task.update(status="stopped", exitstatus=end, log=task["log"] + log)
        self._save(upid, {k: v for k, v in task.items() if k != "upid"})

    def task(self, upid: str) -> dict[str, Any]:
        """A task as it stands."""
        path = self.root / "tasks" / hashlib.sha256(upid.encode()).hexdigest()[:32]
        if not path.exists():
            raise Refused(500, "no such task")
        return json.loads(path.read_text())

    def pull(self, node: str, store: str, reference: str, filename: str, user: str) -> str:
        """oci-registry-pull: the UPID, whatever comes of it."""
        if not re.fullmatch(r"[a-z0-9./:_-]+:[A-Za-z0-9_.-]+", reference) or "@" in reference:
            raise Refused(400, "Parameter verification failed.")
        how = self._how("pull")
        if how == "forbidden":
            raise Refused(403, f"Permission check failed (/storage/{store}, Datastore.AllocateTemplate)")
        if how == "no-network":
            raise Refused(403, f"Permission check failed (/nodes/{node}, Sys.AccessNetwork)")
        # Proxmox adds it always.
        file = self.store(node, store) / (re.sub(r"[^A-Za-z0-9_.-]", "_", Path(filename).name) + ".tar")
        log = ["starting pull", f"pulling {reference}"]
        if file.exists():
            return self._task(node, "ociregpull", user, log + ["refusing to override existing file"],
                              "refusing to override existing file")
        if how == "fail":
            return self._task(node, "ociregpull", user, log + ["FATA[0001] manifest unknown"],
                              "command 'skopeo copy' failed: exit code 1")
        if how == "hang":
            return self._task(node, "ociregpull", user, log, None)
        if how == "nothing":
            return self._task(node, "ociregpull", user, log + ["TASK OK"], "OK")
        file.write_bytes(b"" if how == "empty" else f"image of {reference}, {time.time_ns()}".encode())
        if how == "half":
            return self._task(node, "ociregpull", user, log + ["no space left"], "write failed")
        if how == "hang-half":
            return self._task(node, "ociregpull", user, log, None)
        end = "WARNINGS: 2" if how == "warnings" else "OK"
        return self._task(node, "ociregpull", user, log + [f"TASK {end}"], end)

    def upload(self, node: str, store: str, name: str, data: bytes, checksum: str, user: str) -> str:
        """upload of a template."""
        how = self._how("upload")
        if how == "forbidden":
            raise Refused(403, f"Permission check failed (/storage/{store}, Datastore.AllocateTemplate)")
        if hashlib.sha256(data).hexdigest() != checksum:
            return self._task(node, "imgcopy", user, ["checksum mismatch"], "checksum mismatch")
        if how == "fail":
            return self._task(node, "imgcopy", user, ["cp: error"], "import failed")
        (self.store(node, store) / name).write_bytes(data)
        return self._task(node, "imgcopy", user, ["TASK OK"], "OK")

    def content(self, node: str, store: str) -> list[dict[str, Any]]:
        """The templates."""
        rows = []
        for path in sorted(self.store(node, store).iterdir()):
            if TEMPLATE.search(path.name):
                rows.append({"volid": f"{store}:vztmpl/{path.name}", "content": "vztmpl", "format": "tar",
                             "size": path.stat().st_size, "ctime": int(path.stat().st_mtime)})
        return rows

    def delete(self, node: str, store: str, volid: str, user: str) -> str:
        """A template's end."""
        how = self._how("delete")
        if how == "forbidden":
            raise Refused(403, f"Permission check failed (/storage/{store}, Datastore.Allocate)")
        path = self.store(node, store) / volid.rsplit("/", 1)[-1]
        if how == "stay" or not path.exists():
            return self._task(node, "imgdel", user, ["cannot remove"], "unlink failed")
        path.unlink()
        return self._task(node, "imgdel", user, ["Removed volume", "TASK OK"], "OK")

    def call(self, verb: str, path: str, params: dict[str, str], user: str = "root@pam") -> Any:
        """One call of the API. What it says is what is in "data"."""
        with open(self.root / "calls", "a") as f:
            f.write(json.dumps({"verb": verb, "path": path, "params": params}) + "\n")
        if m := re.fullmatch(r"/nodes/([^/]+)/storage/([^/]+)/oci-registry-pull", path):
            return self.pull(m[1], m[2], params["reference"], params.get("filename", ""), user)
        if m := re.fullmatch(r"/nodes/([^/]+)/storage/([^/]+)/content", path):
            how = self._how("content")
            if how == "forbidden":
                raise Refused(403, f"Permission check failed (/storage/{m[2]}, Datastore.Audit)")
            # What another run makes after it was looked.
            return [] if how == "before" else self.content(m[1], m[2])
        if m := re.fullmatch(r"/nodes/([^/]+)/storage/([^/]+)/content/(.+)", path):
            return self.delete(m[1], m[2], m[3], user)
        if m := re.fullmatch(r"/nodes/([^/]+)/tasks/(UPID:[^/]+)(/status|/log)?", path):
            return self._of_task(verb, m[2], m[3] or "", params)
        if path == "/cluster/resources":
            return json.loads((self.root / "resources.json").read_text())
        if m := re.fullmatch(r"/nodes/([^/]+)/tasks", path):
            return self.containers.tasks(int(params["vmid"]))
        m = re.fullmatch(r"/nodes/([^/]+)/lxc/(\d+)/?(.*)", path)
        if m and not (self.root / f"lxc-{m[2]}.json").exists():
            return self.containers.call(verb, int(m[2]), m[3], params, user)
        if m:
            return json.loads((self.root / f"lxc-{m[2]}.json").read_text())
        raise Refused(501, f"No '{verb}' handler defined for '{path}'")

    def _of_task(self, verb: str, upid: str, what: str, params: dict[str, str]) -> Any:
        task = self.task(upid)
        if verb == "delete":
            task.update(status="stopped", exitstatus="unexpected status")
            self._save(upid, {k: v for k, v in task.items() if k != "upid"})
            return None
        if what == "/status":
            keys = ("upid", "node", "status") + (("exitstatus",) if task["exitstatus"] else ())
            return {k: task[k] for k in keys}
        start, limit = int(params.get("start", 0)), int(params.get("limit", 50))
        rows = [{"n": i + 1, "t": t} for i, t in enumerate(task["log"])]
        return rows[start:start + limit] or [{"n": 1, "t": "no content"}]

    def clear(self) -> None:
        """As new."""
        shutil.rmtree(self.root)
