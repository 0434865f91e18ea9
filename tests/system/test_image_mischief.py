"""What lies between a registry and `hakim pull`: resets, servers without ranges, other hosts, and pages of proxies."""
import base64
import gzip
import hashlib
import json
import os
import signal
import socket
import ssl
import struct
import subprocess

import hostile_registry
import pytest
from hostile_registry import Answer, Honest, Server
from hosts.process import wait_until
from image_kit import HAKIM, Image, environment, pull, sha, started

WORDS = ("--retries=1", "--stall-timeout=5", "--platform=linux/amd64")


class TlsServer(Server):
    """With TLS; the first `resets` connections are reset in the midst of the handshake."""

    def __init__(self, answer, context, resets=0):
        self.context, self.resets = context, resets
        super().__init__(answer)

    def get_request(self):
        connection, address = super().get_request()
        if self.resets:
            self.resets -= 1
            connection.recv(100)
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            connection.close()
            raise OSError("reset")
        return self.context.wrap_socket(connection, server_side=True), address


@pytest.fixture(scope="module", name="tls")
def tls_fixture(tmp_path_factory):
    """A certificate of 127.0.0.1 that is its own CA, and a server's context with it."""
    path = tmp_path_factory.mktemp("tls")
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                    "-days", "2", "-subj", "/CN=r", "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", path / "key",
                    "-out", path / "cert"], check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path / "cert", path / "key")
    return context, path / "cert"


def serve(answer, *args, kind=Server, **more):
    """A server that is stopped at the end of the test's block."""
    class Block:
        def __enter__(self):
            self.server = kind(answer, *args, **more)
            return self.server

        def __exit__(self, *_):
            self.server.stop()
    return Block()


def test_a_ca_of_one_host_is_not_trusted_for_the_one_it_redirects_to(tls, tmp_path):
    context, cert = tls
    honest = Honest(Image())
    with serve(honest.answer, context, kind=TlsServer) as other:
        def answer(method, path, headers):
            if "/blobs/" in path:
                return Answer(status=307, Location=f"https://{other.host}{path}")
            return honest.answer(method, path, headers)
        with serve(answer, context, kind=TlsServer) as registry:
            out = tmp_path / "out"
            out.mkdir()
            certs = tmp_path / f".config/containers/certs.d/{registry.host}"
            certs.mkdir(parents=True)
            (certs / "ca.crt").write_bytes(cert.read_bytes())
            result = pull(tmp_path, f"{registry.host}/a/b:1", out, *WORDS, "--retries=0")
            assert result.returncode == 1
            assert "its TLS certificate is not trusted" in result.stdout + result.stderr
            assert registry.seen and other.seen == []
            # Where the owner of the machine trusts both, it is followed.
            certs = certs.parent / other.host
            certs.mkdir()
            (certs / "ca.crt").write_bytes(cert.read_bytes())
            result = pull(tmp_path, f"{registry.host}/a/b:1", out, *WORDS)
            assert result.returncode == 0, result.stderr


def test_a_reset_within_the_handshake_is_tried_again(tls, tmp_path):
    context, _ = tls
    with serve(Honest(Image()).answer, context, kind=TlsServer, resets=1) as registry:
        result = pull(tmp_path, f"{registry.host}/a/b:1", tmp_path, *WORDS, "--tls-verify=false")
        assert result.returncode == 0, result.stdout + result.stderr
        assert registry.resets == 0


def test_a_server_that_begins_anew_and_cuts_each_time_is_given_up(tmp_path):
    honest = Honest(Image(sizes=(3000, 3 << 20)))
    digest = hostile_registry.second(honest)
    calls = []

    def blob(asked, start=0, old=honest.blob):
        answer = old(asked)  # whatever was asked for: all of it
        if asked == digest:
            calls.append(start)
            answer.cut, answer.length = 3 << 19, len(answer.body)
        return answer
    honest.blob = blob
    with serve(honest.answer) as registry:
        result = pull(tmp_path, f"{registry.host}/a/b:1", tmp_path, "--plain-http", *WORDS, timeout=30)
        assert result.returncode == 1
        assert "cut before the end" in result.stdout + result.stderr
        # The first cut came after much progress, and the next two brought none.
        assert 2 <= len(calls) <= 3


def test_a_page_of_a_proxy_does_not_cost_what_came_before_it(tmp_path):
    honest = Honest(Image(sizes=(3000, 12 << 20)))
    digest, honest_blob, starts = hostile_registry.second(honest), honest.blob, []

    def blob(asked, start=0):
        answer = honest_blob(asked, start)
        if asked == digest and not starts:
            answer.cut, answer.length = 10 << 20, len(answer.body)
        elif asked == digest and len(starts) == 1:
            answer = Answer(b"<html>log in</html>", "text/html")
        if asked == digest:
            starts.append(start)
        return answer
    honest.blob = blob
    with serve(honest.answer) as registry:
        words = (f"{registry.host}/a/b:1", tmp_path, "--plain-http", *WORDS)
        result = pull(tmp_path, *words)
        assert result.returncode == 1 and "refused" in result.stdout + result.stderr
        assert (tmp_path / "b_1.tar.tmp-hakim").exists()
        result = pull(tmp_path, *words)
        assert result.returncode == 0, result.stdout + result.stderr
        assert len(starts) == 3 and starts[0] == 0 and min(starts[1:]) >= 4 << 20


def test_each_repository_gets_the_credentials_that_are_for_it(tmp_path):
    pairs = {"a/b": "one:first", "c/d": "two:second"}
    basic = {name: "Basic " + base64.b64encode(pair.encode()).decode() for name, pair in pairs.items()}
    honest = Honest(Image())

    def answer(method, path, headers):
        name = "/".join(path.split("/")[2:4])
        if headers.get("Authorization") != basic[name]:
            return Answer(b"{}", "application/json", 401, WWW_Authenticate='Basic realm="x"')
        return honest.answer(method, path, headers)
    with serve(answer) as registry:
        (tmp_path / "auth.json").write_text(json.dumps({"auths": {
            f"{registry.host}/{name}": {"auth": value.split()[1]} for name, value in basic.items()}}))
        out = tmp_path / "out"
        out.mkdir()
        result = pull(tmp_path, f"{registry.host}/a/b:1", out, "--image", f"{registry.host}/c/d:1", "--plain-http",
                      "--authfile", tmp_path / "auth.json", *WORDS)
        assert result.returncode == 0, result.stdout + result.stderr
        for _, path, authorization in registry.seen:
            assert authorization in (None, basic["/".join(path.split("/")[2:4])])


def test_a_partial_file_of_another_image_is_made_anew(tmp_path):
    """It has the right size, and no blocks: the disk may not have room for them."""
    image = Image(sizes=(3000, 3 << 20))
    honest = Honest(image)
    gone = image.blobs.pop(hostile_registry.second(honest))
    partial = tmp_path / "b_1.tar.tmp-hakim"
    with serve(honest.answer) as registry:
        words = (f"{registry.host}/a/b:1", tmp_path, "--plain-http", *WORDS)
        assert pull(tmp_path, *words).returncode == 1
        size = partial.stat().st_size
        assert size > len(gone) and partial.stat().st_blocks * 512 >= size
        journal = tmp_path / "b_1.tar.tmp-hakim-journal"
        for first_line, anew in ((journal.read_text(), False), (f"hakim-journal 2 {sha(b'')} {size} 4\n", True)):
            partial.write_bytes(b"")
            os.truncate(partial, size)
            journal.write_text(first_line)
            assert pull(tmp_path, *words).returncode == 1
            assert (partial.stat().st_blocks * 512 >= size) is anew


class Zeros:
    """As many as a test needs, without having them."""

    def __init__(self, size):
        self.size, chunk = size, bytes(1 << 20)
        digest = hashlib.sha256()
        for _ in range(size >> 20):
            digest.update(chunk)
        self.digest = "sha256:" + digest.hexdigest()


def layered(descriptor):
    """An image of this layer."""
    image = Image(sizes=(3000,))
    image.manifest["layers"] = [descriptor]
    return image


def under_way(tmp_path, registry, *words):
    return started(HAKIM, "pull", "--image", f"{registry.host}/a/b:1", "--output", str(tmp_path), "--plain-http",
                   *WORDS, *words, env=environment(tmp_path), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def interrupted(process):
    """What it says when it is, at once."""
    assert process.poll() is None
    process.send_signal(signal.SIGTERM)
    out, err = process.communicate(timeout=30)
    assert process.returncode == 1 and "it was interrupted" in err, out + err
    return err


def test_who_is_unpacking_can_be_interrupted(tmp_path):
    """A gzip file is several, one behind the other: 16 GiB, and a few MiB packed."""
    image = layered(None)
    kind = "application/vnd.oci.image.layer.v1.tar+gzip"
    image.manifest["layers"] = [image.add(gzip.compress(bytes(16 << 20), 9, mtime=0) * 1024, kind)]
    with serve(Honest(image).answer) as registry, under_way(tmp_path, registry, "--verify-layers") as process:
        for line in process.stderr:
            if "is there" in line:
                break
        interrupted(process)


def test_who_reads_back_an_earlier_run_can_be_interrupted(tmp_path):
    zeros = Zeros(1 << 30)
    kind = "application/vnd.oci.image.layer.v1.tar"
    image = layered({"mediaType": kind, "digest": zeros.digest, "size": zeros.size})
    with serve(Honest(image).answer) as registry:
        result = pull(tmp_path, f"{registry.host}/a/b:1", tmp_path, "--plain-http", *WORDS)
        assert result.returncode == 1  # the blob is not there
        with open(tmp_path / "b_1.tar.tmp-hakim-journal", "a") as journal:
            journal.write(f"0 {zeros.size}\n")  # the layers come first in an archive
        with under_way(tmp_path, registry) as process:
            wait_until("it reads", lambda: read_by(process) > 32 << 20, 20, 0.002)
            assert "from an earlier run" not in interrupted(process)
    (tmp_path / "b_1.tar.tmp-hakim").unlink()  # it would be there for the next run, and big


def read_by(process):
    """Bytes, of all files."""
    with open(f"/proc/{process.pid}/io") as f:
        return int(f.readline().split()[1])
