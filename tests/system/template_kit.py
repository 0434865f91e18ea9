"""A Coder template in a test: what npm's hcl2json reads in it, whether its references resolve, and what it comes to for
given variables and parameters. What is evaluated and how is in hcl_expression.py; of a plan there is no more than that:
no state, no unknown values."""
from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

from hcl_expression import evaluate, parse, references
from hcl_functions import Refused, as_bool, as_number, as_text
from hosts.devcontainer import node_tree

TO_JSON = """
const { parse } = require(process.argv[1] + "/node_modules/@cdktf/hcl2json");
const fs = require("fs");
(async () => {
    const found = {};
    for (const file of process.argv.slice(2)) found[file] = await parse(file, fs.readFileSync(file, "utf-8"));
    console.log(JSON.stringify(found));
})();
"""
# What Terraform and the providers know when a workspace is made, and what a test needs of it.
WORKSPACE = {"id": "my-id", "name": "my-workspace", "transition": "start", "access_url": "https://coder.example.org"}
OWNER = {"name": "alice"}
PROVISIONER = {"arch": "amd64"}
TOKEN = "00000000-1111-2222-3333-444444444444"
MADE = {"coder_agent": {"token": TOKEN}, "docker_image": {"image_id": "sha256:image"}}
# Of a lifecycle these name attributes and no values.
NAMES_ONLY = ("ignore_changes", "replace_triggered_by")


@cache
def read(directory: Path) -> dict[str, Any]:
    """{file name: its blocks}."""
    tree = node_tree()
    files = sorted(directory.glob("*.tf"))
    done = subprocess.run([str(tree / "node"), "-e", TO_JSON, str(tree), *map(str, files)], capture_output=True,
                          text=True, timeout=60, check=False)
    if done.returncode:
        raise AssertionError(f"hcl2json: {done.stderr[-2000:]}")
    return {Path(name).name: blocks for name, blocks in json.loads(done.stdout).items()}


def strings(value: Any, path: str = "") -> Iterator[tuple[str, str]]:
    """Where, and the text, of all that may have an expression in it."""
    if isinstance(value, str):
        if not re.fullmatch(r"\.variable\.\w+\.type", path):
            yield path, value
    elif isinstance(value, dict):
        for key, inner in value.items():
            if key not in NAMES_ONLY:
                yield from strings(key, f"{path}.{key}")
                yield from strings(inner, f"{path}.{key}")
    elif isinstance(value, list):
        for inner in value:
            yield from strings(inner, path)


class Lazy(dict[str, Any]):
    """Evaluates when it is asked, once."""

    def __init__(self, names: Any, make: Any) -> None:
        super().__init__()
        self.names, self.make, self.open = names, make, set[str]()

    def __missing__(self, key: str) -> Any:
        if key not in self.names:
            raise Refused(f"there is no {key}")
        if key in self.open:
            raise Refused(f"{key} needs itself")
        self.open.add(key)
        try:
            self[key] = self.make(key)
        finally:
            self.open.discard(key)
        return self[key]


class Template:
    """One, with values. `given` is what a person sets: parameters by name, variables as var_NAME, the transition."""

    def __init__(self, directory: Path, **given: Any) -> None:
        self.directory, self.files = directory, read(directory)
        self.locals: dict[str, Any] = {}
        self.blocks: dict[str, dict[str, dict[str, Any]]] = {"data": {}, "resource": {}}
        self.variables: dict[str, Any] = {}
        self.modules: dict[str, Any] = {}
        self.iterators = {name for blocks in self.files.values() for where, _ in strings(blocks)
                          for name in re.findall(r"\.dynamic\.(\w+)\.", where)}
        for blocks in self.files.values():
            for group in blocks.get("locals", []):
                assert not self.locals.keys() & group.keys(), "a local twice"
                self.locals.update(group)
            for kind in self.blocks:
                for sort, named in blocks.get(kind, {}).items():
                    mine = self.blocks[kind].setdefault(sort, {})
                    assert not mine.keys() & named.keys(), f"{sort} twice"
                    mine.update({name: body[0] for name, body in named.items()})
            self.variables.update({name: body[0] for name, body in blocks.get("variable", {}).items()})
            self.modules.update({name: body[0] for name, body in blocks.get("module", {}).items()})
        self.given = {"transition": "start", **given}
        wrong = {name for name in self.given if not name.startswith("var_")} \
            - self.blocks["data"]["coder_parameter"].keys() - {"transition", "home_node"}
        wrong |= {f"var_{name}" for name in (n[4:] for n in given if n.startswith("var_"))
                  if name not in self.variables}
        assert not wrong, f"the template does not have {wrong}"
        self.scope: dict[str, Any] = {
            "path": {"module": str(directory)},
            "var": Lazy(self.variables, self.variable),
            "local": Lazy(self.locals, lambda name: self.value(self.locals[name])),
            "data": Lazy(self.blocks["data"], lambda sort: Lazy(
                self.blocks["data"][sort], lambda name: self.data(sort, name))),
            **{sort: Lazy(named, lambda name, sort=sort: self.resource(sort, name))
               for sort, named in self.blocks["resource"].items()},
        }

    def local(self, name: str) -> Any:
        """A value of a locals block."""
        return self.scope["local"][name]

    def value(self, value: Any, scope: dict[str, Any] | None = None) -> Any:
        """hcl2json's, evaluated."""
        if isinstance(value, str):
            return evaluate(parse(value), scope or self.scope)
        if isinstance(value, list):
            return [self.value(one, scope) for one in value]
        if isinstance(value, dict):
            made = {as_text(self.value(key, scope)): self.value(inner, scope) for key, inner in value.items()
                    if key not in (*NAMES_ONLY, "dynamic")}
            for name, blocks in value.get("dynamic", {}).items():
                made[name] = [*made.get(name, []),
                              *(one for block in blocks for one in self.dynamic(name, block, scope))]
            return made
        return value

    def dynamic(self, name: str, block: dict[str, Any], scope: dict[str, Any] | None) -> Iterator[Any]:
        """A block for each of what a dynamic one is for."""
        items = self.value(block["for_each"], scope)
        for key, value in items.items() if isinstance(items, dict) else enumerate(items):
            yield self.value(block["content"][0], {**(scope or self.scope), name: {"key": key, "value": value}})

    def variable(self, name: str) -> Any:
        """What is given, or the default; its validations hold."""
        body = self.variables[name]
        if f"var_{name}" in self.given:
            value = self.given[f"var_{name}"]
        elif "default" in body:
            value = body["default"]
        else:
            raise Refused(f"the variable {name} must be set")
        for check in body.get("validation", []):
            if not as_bool(self.value(check["condition"], {**self.scope, "var": {name: value}})):
                raise Refused(check["error_message"])
        return value

    def data(self, sort: str, name: str) -> Any:
        """Of Coder."""
        if sort == "coder_parameter":
            return self.counted(self.blocks["data"][sort][name], lambda body, scope: self.parameter(name, body, scope))
        return {"coder_workspace": {**WORKSPACE, "transition": self.given["transition"]},
                "coder_workspace_owner": OWNER, "coder_provisioner": PROVISIONER}[sort]

    def parameter(self, name: str, body: dict[str, Any], scope: dict[str, Any]) -> dict[str, str]:
        """Its value is a string always; Coder keeps to its options and its validation."""
        assert self.value(body["name"], scope) == name, f"{name} has another name for Coder"
        value = as_text(self.given.get(name, self.value(body["default"], scope)))
        chosen = {key: body[key] for key in ("option", "dynamic") if key in body}
        options = [one["value"] for one in self.value(chosen, scope).get("option", [])]
        if options and value not in options:
            raise Refused(f"{name}: {value} is none of {options}")
        for check in body.get("validation", []):
            if "regex" in check and not re.search(check["regex"], value, re.ASCII):
                raise Refused(f"{name}: {check['error']}")
            if "min" in check and as_number(value) < check["min"] or "max" in check and as_number(value) > check["max"]:
                raise Refused(f"{name}: {value} is out of bounds")
        if body["type"] == "bool":
            as_bool(value)
        if body["type"] == "number":
            as_number(value)
        return {"name": name, "value": value}

    def counted(self, body: dict[str, Any], make: Any) -> Any:
        """One, or a list of them by count, or an object by for_each."""
        if "count" in body:
            return [make(body, {**self.scope, "count": {"index": number}})
                    for number in range(int(as_number(self.value(body["count"]))))]
        if "for_each" in body:
            return {key: make(body, {**self.scope, "each": {"key": key, "value": value}})
                    for key, value in self.value(body["for_each"]).items()}
        return make(body, self.scope)

    def resource(self, sort: str, name: str) -> Any:
        """With what is known of it only when it is made."""
        def make(body: dict[str, Any], scope: dict[str, Any]) -> dict[str, Any]:
            made = {"id": f"{sort}.{name}", **MADE.get(sort, {})}
            if sort == "terraform_data":
                made["output"] = self.given.get(name, self.value(body.get("input"), scope))
            skipped = ("lifecycle", "count", "for_each")
            made.update(self.value({key: inner for key, inner in body.items() if key not in skipped}, scope))
            if sort == "proxmox_virtual_environment_container" and made["vm_id"] is None:
                made["vm_id"] = 101
            return made
        return self.counted(self.blocks["resource"][sort][name], make)

    def complaints(self) -> list[str]:
        """What the preconditions of all resources say."""
        said = []
        for sort, named in self.blocks["resource"].items():
            for body in named.values():
                for one in (body.get("lifecycle") or [{}])[0].get("precondition", []):
                    if not as_bool(self.value(one["condition"])):
                        said.append(self.value(one["error_message"]))
        return said

    def warnings(self) -> list[str]:
        """What the checks say."""
        return [self.value(one["error_message"]) for blocks in self.files.values()
                for named in blocks.get("check", {}).values() for body in named for one in body["assert"]
                if not as_bool(self.value(one["condition"]))]

    def evaluate_all(self) -> None:
        """Everything there is: a mistake in a corner that no test looks at is found, too."""
        for name in self.locals:
            self.local(name)
        for sort, named in self.blocks["resource"].items():
            for name in named:
                self.scope[sort][name]  # pylint: disable=expression-not-assigned
        for sort in ("coder_parameter", "coder_workspace_preset"):
            for name, body in self.blocks["data"][sort].items():
                self.counted(body, self.value)
        for body in self.modules.values():
            self.counted(body, self.value)
        for blocks in self.files.values():
            self.value(blocks.get("provider", {}))
        self.complaints()
        self.warnings()

    def unresolved(self) -> list[str]:
        """References to what is not there, or to one of several without saying which."""
        wrong = []
        for file, blocks in self.files.items():
            for where, text in strings(blocks):
                if "${" in text and not where.endswith(".ignore_changes"):
                    wrong += [f"{file}{where}: {'.'.join(map(str, path))}" for path in references(parse(text))
                              if not self.resolves(path)]
        return wrong

    def resolves(self, path: list[Any]) -> bool:
        """A reference."""
        root, *rest = path
        if root in ("each", "count", "path", *self.iterators):
            return True
        if root == "var":
            return rest[0] in self.variables
        if root == "local":
            return rest[0] in self.locals
        if root == "data":
            return self.points(self.blocks["data"], rest)
        return self.points(self.blocks["resource"], path)

    @staticmethod
    def points(blocks: dict[str, dict[str, Any]], path: list[Any]) -> bool:
        """Where there is a count or a for_each an index follows, and else none."""
        body = blocks.get(path[0], {}).get(path[1]) if len(path) > 1 else None
        if body is None:
            return False
        several = "count" in body or "for_each" in body
        return len(path) < 3 or several == (path[2] == "[]")

    def used(self) -> set[str]:
        """The parameters that something refers to."""
        return {path[2] for blocks in self.files.values() for _, text in strings(blocks) if "${" in text
                for path in references(parse(text)) if path[:2] == ["data", "coder_parameter"]}
