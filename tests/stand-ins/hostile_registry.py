"""A registry that lies: one row a case. Each says what it does to the answers of an honest one, and with which words
hakim must refuse it. It notes every request with its Authorization, and so does a second host, which must never see
one."""
import http.server
import json
import os
import sys
import threading

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "system"))

INDEX = "application/vnd.oci.image.index.v1+json"
SECRET = "Basic dXNlcjpoaWRkZW4="  # user:hidden


class Answer:
    """What will be sent; a case changes it."""

    def __init__(self, body=b"", kind="application/octet-stream", status=200, **headers):
        self.body, self.kind, self.status = body, kind, status
        self.headers = {name.replace("_", "-"): value for name, value in headers.items()}
        self.length = None  # what Content-Length says, if not the truth
        self.cut = None     # close after so many bytes
        self.raw = None     # these bytes, and nothing else


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    allow_reuse_address = True

    def __init__(self, answer):
        super().__init__(("127.0.0.1", 0), Handler)
        self.answer = answer  # (method, path, headers) -> Answer
        self.seen = []
        self.host = f"127.0.0.1:{self.server_address[1]}"
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def stop(self):
        self.shutdown()
        self.server_close()

    def handle_error(self, request, client_address):
        pass  # the client goes away when it has seen enough


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *args):
        pass

    def do_GET(self):
        self.server.seen.append((self.command, self.path, self.headers.get("Authorization")))
        length = int(self.headers.get("Content-Length") or 0)
        if length:
            self.rfile.read(length)
        answer = self.server.answer(self.command, self.path, self.headers)
        if answer.raw is not None:
            self.wfile.write(answer.raw)
            self.close_connection = True
            return
        self.send_response(answer.status)
        if answer.kind:
            self.send_header("Content-Type", answer.kind)
        if answer.length != "none":
            self.send_header("Content-Length", str(len(answer.body) if answer.length is None else answer.length))
        for name, value in answer.headers.items():
            for one in value if isinstance(value, list) else [value]:
                self.send_header(name, one)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(answer.body if answer.cut is None else answer.body[:answer.cut])
        if answer.length is not None or answer.cut is not None:
            self.close_connection = True

    do_HEAD = do_POST = do_GET


class Honest:
    """Answers as a registry should, from an image; a case overrides a part."""

    def __init__(self, image):
        self.image = image
        self.manifest_bytes, self.manifest_type = image.bytes, image.type
        self.more = {}  # path -> Answer: manifests of an index

    def manifest(self, target):
        from image_kit import sha
        return Answer(self.manifest_bytes, self.manifest_type, Docker_Content_Digest=sha(self.manifest_bytes))

    def blob(self, digest, start=0):
        data = self.image.blobs.get(digest)
        if data is None:
            return Answer(b'{"errors":[{"code":"BLOB_UNKNOWN"}]}', "application/json", 404)
        if start:
            return Answer(data[start:], status=206, Content_Range=f"bytes {start}-{len(data) - 1}/{len(data)}")
        return Answer(data)

    def answer(self, method, path, headers):
        if "/manifests/" in path:
            target = path.rsplit("/", 1)[1]
            return self.more[target] if target in self.more else self.manifest(target)
        if "/blobs/" in path:
            start = headers.get("Range")
            return self.blob(path.rsplit("/", 1)[1], int(start[6:].split("-")[0]) if start else 0)
        if path.endswith("/v2/"):
            return Answer(b"{}", "application/json")
        return Answer(b"", status=404)


CASES = {}


def case(says):
    """A case is a function (honest, other host) that changes the honest registry."""
    def add(function):
        CASES[function.__name__] = (function, says)
        return function
    return add


def edit(honest, **change):
    honest.image.manifest.update(change)
    honest.manifest_bytes = honest.image.bytes


def edit_layer(honest, **change):
    honest.image.manifest["layers"][0].update(change)
    honest.manifest_bytes = honest.image.bytes


def replace_blob(honest, digest, **change):
    """The answer for one blob is another one."""
    old = honest.blob

    def blob(asked, start=0):
        answer = old(asked, start)
        if asked == digest:
            for name, value in change.items():
                setattr(answer, name, value)
        return answer
    honest.blob = blob


def first(honest):
    return honest.image.layers[0]["digest"]


def second(honest):
    return honest.image.layers[1]["digest"]


# ---- blobs ----

@case("is not what its digest says")
def corrupt_blob(honest, other):
    data = bytearray(honest.image.blobs[first(honest)])
    data[50] ^= 1
    honest.image.blobs[first(honest)] = bytes(data)


@case("is not what its digest says")
def corrupt_last_byte(honest, other):
    data = bytearray(honest.image.blobs[second(honest)])
    data[-1] ^= 1
    honest.image.blobs[second(honest)] = bytes(data)


@case("is not what its digest says")
def corrupt_config(honest, other):
    digest = honest.image.config_descriptor["digest"]
    honest.image.blobs[digest] = honest.image.blobs[digest].replace(b"amd64", b"arm64")


@case("and the manifest says")
def size_too_big(honest, other):
    edit_layer(honest, size=honest.image.layers[0]["size"] + 1)


@case("and the manifest says")
def size_too_small(honest, other):
    edit_layer(honest, size=honest.image.layers[0]["size"] - 1)


@case("sends more bytes for the blob")
def endless_blob(honest, other):
    replace_blob(honest, first(honest), body=honest.image.blobs[first(honest)] + b"x" * 100000, length="none")


@case("cut before the end")
def truncated_blob(honest, other):
    replace_blob(honest, first(honest), cut=100, length=len(honest.image.blobs[first(honest)]))


@case("ends the blob")
def truncated_without_length(honest, other):
    replace_blob(honest, first(honest), cut=100, length="none")


@case("another range")
def wrong_range(honest, other):
    data = honest.image.blobs[second(honest)]
    calls = []

    def blob(digest, start=0, old=honest.blob):
        answer = old(digest, start)
        if digest == second(honest):
            calls.append(start)
            if start == 0:
                answer.cut, answer.length = 40000, len(data)
            else:
                answer.headers["Content-Range"] = f"bytes {start + 1}-{len(data) - 1}/{len(data)}"
        return answer
    honest.blob = blob


@case("answers with status 206")
def range_that_nobody_asked_for(honest, other):
    replace_blob(honest, first(honest), status=206)


@case("does not have")
def missing_blob(honest, other):
    del honest.image.blobs[first(honest)]


@case("does not have")
def missing_config(honest, other):
    del honest.image.blobs[honest.image.config_descriptor["digest"]]


@case("answers with status 500")
def broken_blob(honest, other):
    replace_blob(honest, first(honest), status=500)


# ---- manifests ----

@case("is not what its digest says")
def wrong_content_digest(honest, other):
    honest.manifest = lambda target: Answer(honest.manifest_bytes, honest.manifest_type,
                                            Docker_Content_Digest="sha256:" + "a" * 64)


@case("Docker-Content-Digest that is none")
def content_digest_with_a_path(honest, other):
    honest.manifest = lambda target: Answer(honest.manifest_bytes, honest.manifest_type,
                                            Docker_Content_Digest="sha256:../../../etc/passwd")


@case("no valid JSON")
def duplicate_keys(honest, other):
    honest.manifest_bytes = honest.image.bytes.replace(b'"schemaVersion":2', b'"schemaVersion":2,"schemaVersion":2')


@case("no layers")
def zero_layers(honest, other):
    edit(honest, layers=[])


@case("foreign")
def layer_with_urls(honest, other):
    edit_layer(honest, urls=[f"http://{other.host}/secret"])


@case("foreign")
def nondistributable_layer(honest, other):
    edit_layer(honest, mediaType="application/vnd.oci.image.layer.nondistributable.v1.tar+gzip")


@case("at once")
def manifest_and_index(honest, other):
    edit(honest, manifests=[])


@case("the registry says")
def index_served_as_manifest(honest, other):
    edit(honest, mediaType=INDEX)


@case("schema 1")
def schema_1(honest, other):
    honest.manifest_bytes = b'{"schemaVersion":1,"name":"a/b","tag":"1","fsLayers":[]}'
    honest.manifest_type = "application/vnd.docker.distribution.manifest.v1+prettyjws"


@case("hex")
def digest_with_a_path(honest, other):
    edit_layer(honest, digest="sha256:" + "../" * 21 + "a")


@case("sha256: or sha512:")
def unknown_digest(honest, other):
    edit_layer(honest, digest="md5:" + "a" * 32)


@case("sends more than")
def manifest_of_5_megabytes(honest, other):
    edit(honest, annotations={"x": "a" * (5 << 20)})


@case("sends more than")
def endless_manifest(honest, other):
    honest.manifest = lambda target: endless()


def endless():
    answer = Answer(b" " * (6 << 20), "application/vnd.oci.image.manifest.v1+json")
    answer.length = "none"
    return answer


@case("nested")
def deep_json(honest, other):
    honest.manifest_bytes = b'{"schemaVersion":2,"a":' + b"[" * 100000 + b"]" * 100000 + b"}"


@case("values")
def json_of_many_values(honest, other):
    honest.manifest_bytes = b'{"schemaVersion":2,"a":[' + b"[]," * 1000000 + b"0]}"


@case("no valid JSON")
def nul_in_json(honest, other):
    edit(honest, annotations={"x": "a\0b"})


@case("no valid JSON")
def bytes_behind_the_json(honest, other):
    honest.manifest_bytes = honest.image.bytes + b'{"schemaVersion":2}'


@case("no type of a manifest")
def wrong_content_type(honest, other):
    honest.manifest_type = "text/html"


@case("no type of a manifest")
def no_content_type(honest, other):
    honest.manifest_type = None


@case("an empty manifest")
def empty_manifest(honest, other):
    honest.manifest = lambda target: Answer(b"", honest.manifest_type)


@case("cut before the end")
def truncated_manifest(honest, other):
    def manifest(target):
        answer = Answer(honest.manifest_bytes, honest.manifest_type)
        answer.cut, answer.length = 50, len(honest.manifest_bytes)
        return answer
    honest.manifest = manifest


@case("a size of -5")
def negative_size(honest, other):
    edit_layer(honest, size=-5)


@case("8 GiB")
def giant_layer(honest, other):
    edit_layer(honest, size=1 << 40)


@case("two sizes")
def one_digest_with_two_sizes(honest, other):
    edit(honest, layers=[honest.image.layers[0], {**honest.image.layers[0], "size": 5}])


@case("no image of a container")
def helm_chart(honest, other):
    edit(honest, config={**honest.image.config_descriptor, "mediaType": "application/vnd.cncf.helm.config.v1+json"})


@case("and the configuration")
def fewer_diff_ids_than_layers(honest, other):
    honest.image.config["rootfs"]["diff_ids"].pop()
    edit(honest, config=honest.image.add(json.dumps(honest.image.config).encode(),
                                         honest.image.config_descriptor["mediaType"]))


@case("is for linux/riscv64")
def image_for_another_machine(honest, other):
    honest.image.config["architecture"] = "riscv64"
    edit(honest, config=honest.image.add(json.dumps(honest.image.config).encode(),
                                         honest.image.config_descriptor["mediaType"]))


# ---- indexes ----

def put_index(honest, size=0, platform=None, kind=None, body=None):
    from image_kit import sha
    inner = honest.image.bytes if body is None else body
    kind = kind or honest.image.type
    honest.more[sha(inner)] = Answer(inner, kind)
    entry = {"mediaType": honest.image.type, "digest": sha(inner), "size": len(inner) + size,
             "platform": platform or {"os": "linux", "architecture": "amd64"}}
    honest.manifest_bytes = json.dumps({"schemaVersion": 2, "mediaType": INDEX, "manifests": [entry]}).encode()
    honest.manifest_type = INDEX
    return sha(inner)


@case("the index says that the manifest has")
def index_with_a_wrong_size(honest, other):
    put_index(honest, size=1)


@case("is not what its digest says")
def index_with_a_wrong_digest(honest, other):
    digest = put_index(honest)
    honest.more[digest].body += b" "


@case("only attestations")
def only_attestations(honest, other):
    put_index(honest, platform={"os": "unknown", "architecture": "unknown"})


@case("not there for linux/amd64")
def only_another_platform(honest, other):
    put_index(honest, platform={"os": "linux", "architecture": "s390x"})


@case("what the index calls")
def nested_index(honest, other):
    inner = json.dumps({"schemaVersion": 2, "mediaType": INDEX, "manifests": []}).encode()
    put_index(honest, kind=INDEX, body=inner)


# ---- credentials ----

def challenge(honest, text):
    def answer(method, path, headers, old=honest.answer):
        if path.startswith("/v2/"):
            return Answer(b"{}", "application/json", 401, WWW_Authenticate=text)
        return old(method, path, headers)
    honest.answer = answer


@case("is not known to belong to it")
def realm_elsewhere(honest, other):
    challenge(honest, 'Bearer realm="https://token.example.org/token",service="x"')


@case("address of this machine's networks")
def realm_on_another_local_port(honest, other):
    challenge(honest, f'Bearer realm="http://{other.host}/token",service="x"')


@case("address of this machine's networks")
def realm_of_the_cloud(honest, other):
    challenge(honest, 'Bearer realm="http://169.254.169.254/latest/meta-data"')


@case("no usable address")
def realm_that_is_a_file(honest, other):
    challenge(honest, 'Bearer realm="file:///etc/passwd"')


@case("no usable address")
def realm_with_a_user(honest, other):
    challenge(honest, 'Bearer realm="http://user@ghcr.io/token"')


@case("does not say in which way")
def challenge_of_nothing(honest, other):
    challenge(honest, 'Digest realm="x", nonce="y"')


@case("refuses the credentials")
def credentials_are_never_enough(honest, other):
    challenge(honest, 'Basic realm="x"')


def token_service(honest, token):
    """A realm of its own, whose answer is `token`."""
    def answer(method, path, headers, old=honest.answer):
        if path.startswith("/token"):
            return token
        if headers.get("Authorization", "").startswith("Bearer "):
            return old(method, path, headers)
        return Answer(b"{}", "application/json", 401,
                      WWW_Authenticate=f'Bearer realm="http://{headers["Host"]}/token",service="x"')
    honest.answer = answer


@case("gave no token that can be used")
def token_with_a_newline(honest, other):
    token_service(honest, Answer(b'{"token":"a\\r\\nX-Evil: 1"}', "application/json"))


@case("gave no token that can be used")
def token_that_is_none(honest, other):
    token_service(honest, Answer(b"<html>", "text/html"))


@case("sends more than")
def token_of_2_megabytes(honest, other):
    token_service(honest, Answer(b'{"token":"' + b"a" * (2 << 20) + b'"}', "application/json"))


@case("leads elsewhere")
def token_service_redirects(honest, other):
    token_service(honest, Answer(status=302, Location=f"http://{other.host}/token"))


@case("refuses the credentials")
def token_service_refuses(honest, other):
    token_service(honest, Answer(b"{}", "application/json", 403))


# ---- redirects and answers that are none ----

@case("leads in circles")
def redirects_in_circles(honest, other):
    honest.manifest = lambda target: Answer(status=302, Location="/v2/a/b/manifests/1")


@case("no usable address")
def redirect_to_a_file(honest, other):
    replace_blob(honest, first(honest), status=302, headers={"Location": "file:///etc/passwd"})


@case("no usable address")
def redirect_with_a_user(honest, other):
    replace_blob(honest, first(honest), status=307, headers={"Location": f"http://u:p@{other.host}/x"})


@case("redirects to nowhere")
def redirect_without_a_place(honest, other):
    replace_blob(honest, first(honest), status=302)


@case("is not what its digest says")
def redirect_to_another_blob(honest, other):
    size = len(honest.image.blobs[first(honest)])
    other.answer = lambda method, path, headers: Answer(b"x" * size)
    replace_blob(honest, first(honest), status=307, headers={"Location": f"http://{other.host}/blob"})


@case("does not answer as a registry does")
def no_http_at_all(honest, other):
    def answer(*args):
        a = Answer()
        a.raw = b"SSH-2.0-OpenSSH_9.2\r\n"
        return a
    honest.answer = answer


@case("closed without an answer")
def silence(honest, other):
    def answer(*args):
        a = Answer()
        a.raw = b""
        return a
    honest.answer = answer


@case("too many requests")
def rate_limited_for_an_hour(honest, other):
    honest.manifest = lambda target: Answer(b"{}", "application/json", 429, Retry_After="3600")


@case("does not allow")
def forbidden(honest, other):
    honest.manifest = lambda target: Answer(b'{"errors":[{"code":"DENIED","message":"no \x1b[31m"}]}',
                                            "application/json", 403)
