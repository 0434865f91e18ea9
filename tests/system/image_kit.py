"""Images and registries for the tests of the host command: made here, so that every byte is known."""
import gzip
import hashlib
import io
import json
import os
import random
import signal
import socket
import subprocess
import sys
import tarfile
import urllib.request
from contextlib import contextmanager

import pytest
from hosts.process import wait_until

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
HAKIM = os.path.join(ROOT, os.environ.get("HAKIM_BUILD", "build"), "hakim")
sys.path.insert(0, os.path.join(ROOT, "tests", "stand-ins"))

OCI = "application/vnd.oci.image."
DOCKER = "application/vnd.docker."


def sha(data):
    return "sha256:" + hashlib.sha256(data).hexdigest()


def as_json(value):
    return json.dumps(value, separators=(",", ":")).encode()


def layer_tar(name, size, seed=1):
    """A tar with one file whose bytes do not compress."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        info = tarfile.TarInfo(name)
        info.size = size
        tar.addfile(info, io.BytesIO(random.Random(seed).randbytes(size)))
    return out.getvalue()


class Image:
    """blobs by digest, and a manifest of them."""

    def __init__(self, sizes=(3000, 70000), docker=False, seed=1, compress=True, architecture="amd64", **run):
        self.blobs = {}
        self.docker = docker
        tars = [layer_tar(f"file{i}", size, seed * 100 + i) for i, size in enumerate(sizes)]
        packed = [gzip.compress(t, 1, mtime=0) if compress else t for t in tars]
        end = "+gzip" if compress else ""
        kind = DOCKER + "image.rootfs.diff.tar.gzip" if docker else OCI + "layer.v1.tar" + end
        self.layers = [self.add(p, kind) for p in packed]
        self.config = {"architecture": architecture, "os": "linux", "config": run or {"Cmd": ["/sbin/init"]},
                       "rootfs": {"type": "layers", "diff_ids": [sha(t) for t in tars]}}
        kind = DOCKER + "container.image.v1+json" if docker else OCI + "config.v1+json"
        self.config_descriptor = self.add(as_json(self.config), kind)
        self.manifest = {"schemaVersion": 2,
                         "mediaType": self.type, "config": self.config_descriptor, "layers": self.layers}

    @property
    def type(self):
        return DOCKER + "distribution.manifest.v2+json" if self.docker else OCI + "manifest.v1+json"

    @property
    def bytes(self):
        return as_json(self.manifest)

    def add(self, data, kind):
        self.blobs[sha(data)] = data
        return {"mediaType": kind, "digest": sha(data), "size": len(data)}

    def write_directory(self, path):
        """As skopeo's dir: has it; the manifest stays as it is."""
        os.makedirs(path, exist_ok=True)
        for digest, data in self.blobs.items():
            with open(f"{path}/{digest[7:]}", "wb") as f:
                f.write(data)
        with open(f"{path}/version", "w") as f:
            f.write("Directory Transport Version: 1.1\n")
        with open(f"{path}/manifest.json", "wb") as f:
            f.write(self.bytes)


@contextmanager
def started(*argv, **how):
    """A process that does not outlive the block, whatever ends that."""
    with subprocess.Popen(argv, **how) as process:
        try:
            yield process
        finally:
            process.kill()


def listens(pid, port):
    """Whether it is this process that has the port, and no other."""
    try:
        mine = {os.readlink(f"/proc/{pid}/fd/{n}") for n in os.listdir(f"/proc/{pid}/fd")}
    except OSError:  # it ends, or a file was closed meanwhile: asked again
        return False
    with open("/proc/net/tcp") as f:
        rows = [line.split() for line in f]
    return any(r[1].endswith(f":{port:04X}") and r[3] == "0A" and f"socket:[{r[9]}]" in mine for r in rows)


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Registry:
    """A real docker-registry on loopback: plain, or with TLS, or with a user, or for clients of a CA only."""

    def __init__(self, path, tls=False, user=None, client_ca=None):
        self.path, self.tls, self.user = str(path), tls, user
        self.log = open(f"{self.path}/log", "w+")
        config = {"version": "0.1", "log": {"level": "warn"},
                  "storage": {"filesystem": {"rootdirectory": f"{self.path}/data"}},
                  "http": {"secret": "x"}}
        if tls:
            self.cert = f"{self.path}/cert.pem"
            subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=r",
                            "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", f"{self.path}/key.pem",
                            "-out", self.cert], check=True, capture_output=True)
            config["http"]["tls"] = {"certificate": self.cert, "key": f"{self.path}/key.pem"}
        if client_ca:
            config["http"]["tls"]["clientcas"] = [client_ca]
        if user:
            import crypt  # Debian 12's Python still has it
            name, password = user.split(":", 1)
            with open(f"{self.path}/htpasswd", "w") as f:
                f.write(f"{name}:{crypt.crypt(password, crypt.mksalt(crypt.METHOD_BLOWFISH, rounds=16))}\n")
            config["auth"] = {"htpasswd": {"realm": "test", "path": f"{self.path}/htpasswd"}}
        self.process = None
        for last in (False, False, True):
            self.port = free_port()
            self.host = config["http"]["addr"] = f"127.0.0.1:{self.port}"
            with open(f"{self.path}/config.yml", "w") as f:
                json.dump(config, f)  # JSON is YAML
            try:
                self.start()
                return
            except AssertionError as error:
                # Another process may have taken the port meanwhile.
                if last or "address already in use" not in str(error):
                    raise

    def start(self):
        self.process = process = subprocess.Popen(["docker-registry", "serve", f"{self.path}/config.yml"],
                                                  stdout=self.log, stderr=self.log)
        try:
            wait_until("docker-registry listens or ends",
                       lambda: listens(process.pid, self.port) or process.poll() is not None, 20, 0.05)
            ended = process.poll() is not None
        except BaseException:
            self.stop()
            raise
        if ended:
            self.stop()
            with open(f"{self.path}/log") as f:
                raise AssertionError(f.read())

    def stop(self):
        if self.process:
            self.process.kill()
            self.process.wait()
            self.process = None

    def push(self, image, name, scratch):
        directory = f"{scratch}/image-{name.replace('/', '-').replace(':', '-')}"
        image.write_directory(directory)
        argv = ["skopeo", "copy", "-q", "--preserve-digests", "--dest-tls-verify=false"]
        if self.user:
            argv += ["--dest-creds", self.user]
        subprocess.run([*argv, f"dir:{directory}", f"docker://{self.host}/{name}"], check=True)

    def requests(self):
        """Lines of its log of requests."""
        with open(f"{self.path}/log") as f:
            return [line for line in f if " HTTP/1.1\" " in line and "hakim/" in line]

    def wait_for(self, *words, since=0):
        """Until each of them is in a request of the log, which is written after the answer; what was asked then."""
        wait_until(f"the registry's log has {words}",
                   lambda: all(any(w in line for line in self.requests()[since:]) for w in words))
        return self.requests()[since:]


def environment(home, **more):
    """Nothing of this machine's credentials and proxies."""
    env = {"PATH": os.environ["PATH"], "HOME": str(home), "XDG_RUNTIME_DIR": f"{home}/run", "LC_ALL": "C.UTF-8"}
    for name in ("ASAN_OPTIONS", "UBSAN_OPTIONS", "LSAN_OPTIONS"):
        if name in os.environ:
            env[name] = os.environ[name]
    return {**env, **more}


def hakim(home, *words, env=None, stdin="", timeout=120):
    return subprocess.run([HAKIM, *map(str, words)], env=environment(home, **(env or {})), input=stdin,
                          capture_output=True, text=True, timeout=timeout)


def pull(home, reference, output, *words, **more):
    return hakim(home, "pull", "--image", reference, "--output", output, *words, **more)


def sha_of(path):
    digest = hashlib.sha256()
    with open(path, "rb") as f:
        while chunk := f.read(1 << 20):
            digest.update(chunk)
    return digest.hexdigest()


def kill(process):
    process.send_signal(signal.SIGKILL)
    process.wait()


def registry_fixture(name, **how):
    @pytest.fixture(scope="module", name=name)
    def registry(tmp_path_factory):
        r = Registry(tmp_path_factory.mktemp(name), **how)
        yield r
        r.stop()
    return registry


def get(url):
    with urllib.request.urlopen(url, timeout=5) as answer:
        return answer.read()
