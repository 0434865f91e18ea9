"""`make e2e`: from the Dockerfile to a running workspace, and once more after one file has changed.

The images base and js are built, pushed to a docker-registry on loopback, pulled by `hakim pull` into the store of a
stand-in node, unpacked and configured as Proxmox does it, and booted as unprivileged LXC containers against the
stand-in Coder server: the agent, code-server, opencode and docker must be up and answer. Then one file of hakim-init
changes; the image is built, pushed and pulled anew, and the container is made anew with its home kept.

Only the registries of Debian and npm are asked. Ends with 0 only if all of it went well; the time of each step is
printed. With --measure VARIANT… it is `make measure`: each of them is built, its smoke test runs, and it is booted
once; what was seen goes into image/measured.tsv, from which scripts/variants makes the README's table.
"""
from __future__ import annotations

import argparse
import json
import os
import re
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "tests" / "system"), str(ROOT / "tests" / "stand-ins")]

from hakim import status, wait_units  # noqa: E402
from hosts.host import Host, Mount  # noqa: E402
from hosts.oci import ProxmoxHost  # noqa: E402
from hosts.process import HostError  # noqa: E402
from hosts.rootfs import SHIFT  # noqa: E402
from image_kit import Registry  # noqa: E402
from proxmox_model import Model  # noqa: E402
from workspace import Workspace  # noqa: E402

# What is to be up, and what each answers to the user of the workspace.
UNITS = ("coder-agent", "code-server", "opencode", "docker", "dbus", "xvfb")
ASK = {
    "code-server": ("curl -fsS --max-time 10 http://127.0.0.1:13337/healthz", "status"),
    "opencode": ("curl -fsS --max-time 10 http://127.0.0.1:4096/global/health", "healthy"),
    "docker": ("docker info -f '{{.Driver}}'", "overlay2"),
}
# An image of one static program, since no registry of images is reached.
BOX = ("cd /usr/sbin && tar -c hakim-init | docker import - box >/dev/null && "
       "docker run --rm --network none box /hakim-init --version")
BUILDAH = {**os.environ, "ENGINE": "buildah"}
CHANGED = Path("modules/tmux/tmux.service")
# hakim-init alone on Debian, as every variant has it on top.
PROBE = """
FROM system AS probe
COPY --from=builder /out /
RUN /usr/lib/hakim/dpkg/setup && rm -f /var/lib/dpkg/*-old
"""
MEASURED = ROOT / "image" / "measured.tsv"


class Failure(Exception):
    """A sentence for the person who runs us."""


def say(text: str) -> None:
    """One line of ours, between those of others."""
    print(f"e2e: {text}", flush=True)


class Steps:
    """The time of each."""

    def __init__(self) -> None:
        self.done: list[tuple[str, float]] = []

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """One step; it is printed when it ends."""
        say(f"{name} …")
        began = time.monotonic()
        yield
        self.done.append((name, time.monotonic() - began))
        say(f"{name}: {self.done[-1][1]:.1f} s")

    def show(self) -> None:
        """All of them."""
        width = max(len(name) for name, _ in self.done)
        print()
        for name, seconds in self.done:
            print(f"  {name.ljust(width)} {seconds:8.1f} s")
        print(f"  {'in all'.ljust(width)} {sum(s for _, s in self.done):8.1f} s", flush=True)


def command(words: Sequence[str | Path], timeout: float, **more: Any) -> str:
    """Runs it, with its progress on our stderr; its stdout."""
    done = subprocess.run([str(word) for word in words], stdout=subprocess.PIPE, text=True, timeout=timeout,
                          stdin=subprocess.DEVNULL, **more)
    if done.returncode != 0:
        raise Failure(f"{' '.join(map(str, words))} failed with {done.returncode}")
    return done.stdout


class Node:
    """A Proxmox node whose store `local` is a directory."""

    def __init__(self, tmp: Path, hakim: Path, registry: Registry) -> None:
        self.tmp, self._hakim, self._registry = tmp, hakim, registry
        self.cache = tmp / "vz" / "template" / "cache"
        self.cache.mkdir(parents=True)
        (tmp / "etc-pve" / "nodes" / "pve" / "lxc").mkdir(parents=True)
        (tmp / "etc-pve" / "local").symlink_to("nodes/pve")
        (tmp / "etc-pve" / "storage.cfg").write_text(f"dir: local\n\tpath {tmp}/vz\n\tcontent vztmpl\n", "utf-8")
        model = Model(tmp / "model")
        (model.root / "store" / "pve").mkdir(parents=True)
        (model.root / "store" / "pve" / "local").symlink_to(self.cache)
        self._env = {"PATH": f"{ROOT}/tests/stand-ins:/usr/bin:/bin", "HOME": str(tmp), "TMPDIR": str(tmp),
                     "HAKIM_PVE_DIR": str(tmp / "etc-pve"), "HAKIM_STANDIN_PROXMOX": str(model.root),
                     "HAKIM_STANDIN_NODE": "pve", "NODE_NAME": "pve", "DIGEST_STATE_FILE": str(tmp / "digests"),
                     "OCI_REGISTRY_NAMESPACE": f"{registry.host}/hakim"}

    def pull(self, *words: str) -> str:
        """hakim pull from our registry; its last line."""
        said = command([self._hakim, "pull", *words, "--plain-http", "--quiet"], 600, env=self._env)
        print(said, end="", flush=True)
        return said.splitlines()[-1]

    def template(self, variant: str) -> Path:
        """The archive of a variant."""
        return self.cache / f"hakim-{variant}_latest.tar"


def layers(registry: Registry, variant: str) -> dict[str, int]:
    """The layers of what the registry has as latest: size by digest."""
    image = f"docker://{registry.host}/hakim/hakim-{variant}:latest"
    manifest = json.loads(command(["skopeo", "inspect", "--raw", "--tls-verify=false", image], 60))
    return {layer["digest"]: layer["size"] for layer in manifest["layers"]}


def config(registry: Registry, variant: str) -> dict[str, Any]:
    """How the image says that it is started."""
    image = f"docker://{registry.host}/hakim/hakim-{variant}:latest"
    whole = json.loads(command(["skopeo", "inspect", "--config", "--tls-verify=false", image], 60))
    return dict(whole["config"])


def check_config(found: dict[str, Any]) -> None:
    """What Proxmox must be able to use."""
    if found.get("Entrypoint") != ["/usr/sbin/hakim-init"] or found.get("Cmd"):
        raise Failure(f"the entrypoint is {found.get('Entrypoint')} {found.get('Cmd')}")
    if found.get("User") or found.get("StopSignal") != "SIGTERM":
        raise Failure(f"USER is {found.get('User')!r}, STOPSIGNAL {found.get('StopSignal')!r}")
    for label in ("source", "revision", "version", "licenses"):
        if not found["Labels"].get(f"org.opencontainers.image.{label}"):
            raise Failure(f"the label {label} is missing")


def note(variant: str, **columns: str) -> None:
    """One row of the table; what is not given stays."""
    names = ("packed", "size", "ready", "tools")
    rows = {row[0]: row[1:] for row in (line.split("\t") for line in MEASURED.read_text("utf-8").splitlines())}
    row = dict(zip(names, rows.get(variant, ["–"] * 4)))
    row.update(columns)
    rows[variant] = [row[name] for name in names]
    MEASURED.write_text("".join("\t".join([name, *rows[name]]) + "\n" for name in sorted(rows)), "utf-8")
    # The next build wants what is generated to be current.
    command([ROOT / "scripts/variants"], 60)


class Run:
    """All of it; close() takes everything away."""

    def __init__(self, build: Path) -> None:
        self.build = build
        self.steps = Steps()
        self.tmp = Path(tempfile.mkdtemp(prefix="hakim-e2e-", dir="/var/tmp"))
        self.tmp.chmod(0o711)
        (self.tmp / "registry").mkdir()
        self.registry = Registry(self.tmp / "registry")
        self.node = Node(self.tmp, build / "hakim", self.registry)
        self.home = self.tmp / "home"
        self.home.mkdir()
        os.chown(self.home, SHIFT, SHIFT)

    def close(self) -> None:
        """The registry, the files, and the names of the images; the layers stay as the tool's cache."""
        self.registry.stop()
        shutil.rmtree(self.tmp, ignore_errors=True)
        if shutil.which("buildah"):
            listed = subprocess.run(["buildah", "images", "--format", "{{.Name}}:{{.Tag}}"], capture_output=True,
                                    text=True, check=False).stdout
            mine = [name for name in listed.split() if name.startswith(self.registry.host)]
            for name in mine:
                subprocess.run(["buildah", "untag", name, name], capture_output=True, check=False)

    def publish(self, root: Path, ref: str, *variants: str) -> None:
        """Builds from the files below `root`, and pushes."""
        words = [word for variant in variants for word in ("--variant", variant)]
        command(["nice", "-n", "5", root / "scripts/build.sh", "--registry", f"{self.registry.host}/hakim",
                 "--registry-http", "--push", "--no-downloads", "--ref", ref, *words], 3600, env=BUILDAH)

    def copy_of_the_source(self) -> Path:
        """What git knows or would take, so that one file can change."""
        copied = self.tmp / "source"
        listed = command(["git", "-C", ROOT, "ls-files", "-co", "--exclude-standard"], 60).split("\n")
        for name in filter(None, listed):
            if (ROOT / name).is_file():
                (copied / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(ROOT / name, copied / name)
        return copied

    def boot(self, variant: str, *, keep_home: bool) -> float:
        """A container of the template: all must be up, and answer; when the agent was ready, in ms since PID 1."""
        mounts = []
        volume = self.tmp / "docker"
        volume.mkdir()
        os.chown(volume, SHIFT, SHIFT)
        mounts.append(Mount(volume, "/var/lib/docker"))
        if keep_home:
            mounts.append(Mount(self.home, "/home/coder"))
        with self.steps.step(f"unpack {variant} as the container's root"):
            host = ProxmoxHost(self.node.template(variant))
        workspace = Workspace(WithMounts(host, mounts), self.build / "stand-ins" / "coder")
        try:
            with self.steps.step(f"boot {variant} until all are ready"):
                workspace.start()
                wanted = {name.replace("-", "_"): "running" for name in UNITS}
                units = wait_units(host, 180, **wanted)["units"]
            with self.steps.step(f"ask all of {variant}"):
                self.ask(host, units)
            with self.steps.step(f"stop {variant}"):
                if host.stop() != 0:
                    raise Failure("the container did not stop in order")
            for name in UNITS:
                say(f"{variant}: {name} is ready {units[name]['ready_us'] / 1000:.0f} ms after PID 1")
            return units["coder-agent"]["ready_us"] / 1000
        except (AssertionError, TimeoutError, HostError) as error:
            raise Failure(f"{error}\n{host.report()}") from error
        finally:
            if workspace.server:
                workspace.server.stop()
            host.close()
            shutil.rmtree(volume, ignore_errors=True)
            if left := host.leaks():
                say(f"left behind: {left}")

    def ask(self, host: Host, units: dict[str, Any]) -> None:
        """As the user of the workspace."""
        failed = [u["name"] for u in units.values() if u["active"] == "failed"]
        if failed:
            raise Failure(f"failed: {failed}\n{host.exec(['hakimctl', 'status']).stdout}")
        for name, (words, want) in ASK.items():
            said = host.exec(["sh", "-c", words], user="coder").stdout
            if want not in said:
                raise Failure(f"{name} says {said}")
        if "hakim-init" not in host.exec(["sh", "-c", BOX], user="coder", timeout=60).stdout:
            raise Failure("docker runs no container")
        host.exec(["sudo", "-n", "true"], user="coder")
        host.exec(["sh", "-c", "test -w ~ && id -nG | grep -qw docker"], user="coder")
        if status(host)["manager"]["state"] != "running":
            raise Failure(host.exec(["hakimctl", "status"]).stdout)

    def hakim_layers(self, name: str, *options: str) -> list[str]:
        """The layers of hakim-init alone, built now."""
        base = command([ROOT / "scripts/build.sh", "--print-base"], 600, env=BUILDAH).strip()
        dockerfile = self.tmp / "Dockerfile"
        dockerfile.write_text((ROOT / "Dockerfile").read_text("utf-8") + PROBE, "utf-8")
        epoch = re.findall(r"^SOURCE_DATE_EPOCH=(.*)$", (ROOT / "image/versions.env").read_text("utf-8"), re.M)[0]
        image = f"{self.registry.host}/hakim/{name}:latest"
        # As in build.sh; what is unlimited is -1.
        limits = [f"--ulimit={name}={min(most, resource.getrlimit(number)[1] & (1 << 32) - 1)}"
                  for name, number, most in (("nofile", resource.RLIMIT_NOFILE, 1 << 20),
                                             ("nproc", resource.RLIMIT_NPROC, 1 << 15))]
        command(["nice", "-n", "5", "buildah", "build", "--isolation", "chroot", "--layers", "--timestamp", epoch,
                 *limits, *options, "--build-arg", f"BASE_IMAGE={base}", "--target", "probe", "--tag", image,
                 "--file", dockerfile, ROOT], 1800)
        return list(json.loads(command(["buildah", "inspect", "--type", "image", image], 60))
                    ["OCIv1"]["rootfs"]["diff_ids"])

    def smoke(self, variant: str) -> str:
        """Runs the tools of a variant; those of its own, with their versions."""
        said = command([ROOT / "scripts/smoke.sh", f"{self.registry.host}/hakim/hakim-{variant}:latest", variant], 600,
                       env=BUILDAH)
        print(said, end="", flush=True)
        mine = said[said.rindex(f"smoke: {variant} in "):]
        found = [f"{name} {number}" for name, number in re.findall(r"^version: (\S+) (\S+)$", mine, re.M)]
        return ", ".join([*found, *(f"{what}\\*" for what in re.findall(r"^left out: (.*)$", mine, re.M))])

    def measure(self, variant: str, *, boot: bool) -> None:
        """One row of the table; the others stay, and so does the time of an earlier boot if there is none now."""
        with self.steps.step(f"build {variant}, and push it"):
            self.publish(ROOT, "one", variant)
        check_config(config(self.registry, variant))
        with self.steps.step(f"smoke {variant}"):
            tools = self.smoke(variant)
        packed = sum(layers(self.registry, variant).values())
        images = command(["buildah", "images", "--json", f"{self.registry.host}/hakim/hakim-{variant}:latest"], 60)
        note(variant, packed=f"{packed / 1e6:.0f}", size=json.loads(images)[0]["size"], tools=tools)
        if not boot:
            return
        with self.steps.step(f"hakim pull {variant}"):
            if (last := self.node.pull("--variant", variant)) != "done: pulled=1 skipped=0":
                raise Failure(last)
        note(variant, ready=f"{self.boot(variant, keep_home=False):.0f}")
        self.node.template(variant).unlink()

    def all(self) -> None:
        """From the Dockerfile to a workspace, twice."""
        with self.steps.step("build base and js, and push them"):
            self.publish(ROOT, "one", "base", "js")
        for variant in ("base", "js"):
            check_config(config(self.registry, variant))
        with self.steps.step("hakim pull base and js"):
            if (last := self.node.pull("--variants", "base,js")) != "done: pulled=2 skipped=0":
                raise Failure(last)
        self.boot("base", keep_home=False)
        self.boot("js", keep_home=True)
        mine = self.home / "project" / "mine"
        mine.write_text("kept\n", "ascii")
        before = layers(self.registry, "js")

        with self.steps.step("build hakim-init once more, without any cache"):
            once, twice = self.hakim_layers("once"), self.hakim_layers("twice", "--no-cache")
        if once[-2:] != twice[-2:]:
            raise Failure(f"two builds of one commit differ: {once} and {twice}")
        say(f"the same layers: {once[-2:]}")

        source = self.copy_of_the_source()
        with open(source / CHANGED, "a", encoding="utf-8") as file:
            file.write("# changed\n")
        with self.steps.step("build js with one file changed, and push it"):
            self.publish(source, "two", "js")
        after = layers(self.registry, "js")
        new = sum(size for digest, size in after.items() if digest not in before)
        kept = sum(size for digest, size in after.items() if digest in before)
        say(f"layers that changed: {new / 1e6:.2f} MB of {(new + kept) / 1e6:.0f} MB")
        if not 0 < new < 4e6:
            raise Failure("the change of one file is to change one small layer")
        with self.steps.step("hakim pull --check-remote-digest"):
            last = self.node.pull("--variants", "base,js", "--check-remote-digest")
            if last != "done: pulled=1 skipped=1":
                raise Failure(last)
        self.boot("js", keep_home=True)
        if mine.read_text("ascii") != "kept\n":
            raise Failure("the home was not kept")


class WithMounts:
    """A host that is always started with the same mounts: Workspace knows none."""

    def __init__(self, host: ProxmoxHost, mounts: Sequence[Mount]) -> None:
        self._host, self._mounts = host, mounts

    def start(self, *words: Any, **more: Any) -> Host:
        """As the host's."""
        return self._host.start(*words, mounts=self._mounts, **more)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._host, name)


def interrupted(number: int, _frame: object) -> None:
    """SIGTERM and SIGHUP clean up as Ctrl-C does."""
    raise KeyboardInterrupt(signal.Signals(number).name)


def main() -> int:
    """See the head of the file."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--build", default="build", help="where make has put the programs")
    parser.add_argument("--measure", nargs="+", metavar="VARIANT", help="fill the README's table")
    parser.add_argument("--no-boot", action="store_true", help="measure without the boot, which takes most of the time")
    options = parser.parse_args()
    build = ROOT / options.build
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, interrupted)
    if os.geteuid() != 0:
        print("make e2e: it makes containers with shifted ids, which needs root", file=sys.stderr)
        return 1
    run: Run | None = None
    try:
        run = Run(build)
        for variant in options.measure or ():
            run.measure(variant, boot=not options.no_boot)
        if not options.measure:
            run.all()
        run.steps.show()
        say("all is well")
        return 0
    except (Failure, HostError, AssertionError, subprocess.TimeoutExpired) as error:
        print(f"make e2e: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("make e2e: interrupted", file=sys.stderr)
        return 130
    finally:
        if run:
            run.close()


if __name__ == "__main__":
    sys.exit(main())
