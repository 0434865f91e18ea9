"""A registry that lies: each lie is refused with its own words, nothing is written, and no credential goes anywhere
else."""
import os

import hostile_registry
import pytest
from hostile_registry import CASES, SECRET, Answer, Honest, Server
from image_kit import Image, hakim, pull

AUTH = '{"auths":{"%s":{"auth":"dXNlcjpoaWRkZW4="}}}'


class Pair:
    """The registry, and a host that is none of it."""

    def __init__(self, change=None):
        self.honest = Honest(Image(sizes=(3000, 70000)))
        self.other = Server(lambda *args: Answer(b"x" * 100))
        if change:
            change(self.honest, self.other)
        self.registry = Server(lambda *args: self.honest.answer(*args))

    def __enter__(self):
        return self

    def __exit__(self, *args):
        self.registry.stop()
        self.other.stop()


def run(pair, tmp_path, *words):
    """A pull with credentials in the file, so that there is something to give away."""
    out = tmp_path / "out"
    out.mkdir(exist_ok=True)
    auth = tmp_path / "auth.json"
    auth.write_text(AUTH % pair.registry.host)
    result = pull(tmp_path, f"{pair.registry.host}/a/b:1", out, "--plain-http", "--retries=1", "--stall-timeout=5",
                  "--platform=linux/amd64", "--authfile", auth, *words)
    return result, sorted(os.listdir(out))


@pytest.mark.parametrize("name", sorted(CASES))
def test_a_lie_is_refused_by_its_name_and_nothing_is_written(name, tmp_path):
    change, says = CASES[name]
    with Pair(change) as pair:
        result, written = run(pair, tmp_path)
        assert result.returncode == 1, result.stdout + result.stderr
        assert says in result.stdout + result.stderr
        # What is left of a connection that was cut may be gone on from; a template it is not.
        assert not [n for n in written if n.endswith(".tar")]
        for method, path, authorization in pair.other.seen:
            assert authorization is None, (method, path)
        for word in ("hidden", SECRET[6:]):
            assert word not in result.stdout + result.stderr
        assert "\x1b" not in result.stdout + result.stderr


def test_there_are_forty_lies_and_more():
    assert len(CASES) >= 40


def test_lies_leave_no_partial_file(tmp_path):
    for name in ("corrupt_blob", "size_too_small", "missing_config", "endless_blob"):
        with Pair(CASES[name][0]) as pair:
            result, written = run(pair, tmp_path)
            assert result.returncode == 1
            assert written == [], name


def test_an_honest_registry_is_believed(tmp_path):
    with Pair() as pair:
        result, written = run(pair, tmp_path)
        assert result.returncode == 0, result.stderr
        assert written == ["b_1.tar"]
        assert hakim(tmp_path, "verify", tmp_path / "out/b_1.tar").returncode == 0
        # Nobody asked for credentials, and none were sent.
        assert all(authorization is None for _, _, authorization in pair.registry.seen)


def test_authorization_does_not_follow_a_redirect_to_another_host(tmp_path):
    with Pair() as pair:
        blobs = dict(pair.honest.image.blobs)
        pair.other.answer = lambda method, path, headers: Answer(blobs[path.rsplit("/", 1)[1]])

        def answer(method, path, headers, old=pair.honest.answer):
            if headers.get("Authorization") != SECRET:
                return Answer(b"{}", "application/json", 401, WWW_Authenticate='Basic realm="x"')
            if "/blobs/" in path:
                return Answer(status=307, Location=f"http://{pair.other.host}/cdn/{path.rsplit('/', 1)[1]}")
            return old(method, path, headers)
        pair.honest.answer = answer
        result, written = run(pair, tmp_path)
        assert result.returncode == 0, result.stderr
        assert written == ["b_1.tar"]
        assert len(pair.other.seen) == 3
        assert all(authorization is None for _, _, authorization in pair.other.seen)
        assert any(authorization == SECRET for _, _, authorization in pair.registry.seen)


def test_a_token_is_asked_for_once_and_its_secret_is_not_shown(tmp_path):
    with Pair() as pair:
        tokens = []

        def answer(method, path, headers, old=pair.honest.answer):
            if path.startswith("/token"):
                tokens.append((path, headers.get("Authorization")))
                return Answer(b'{"access_token":"T0KEN"}', "application/json")
            if headers.get("Authorization") == "Bearer T0KEN":
                return old(method, path, headers)
            return Answer(b"{}", "application/json", 401, WWW_Authenticate=[
                'Negotiate', f'bearer Realm="http://{pair.registry.host}/token", service="a \\"b\\""'])
        pair.honest.answer = answer
        result, written = run(pair, tmp_path)
        assert result.returncode == 0, result.stderr
        assert written == ["b_1.tar"]
        assert tokens == [("/token?service=a%20%22b%22&scope=repository%3Aa/b%3Apull", SECRET)]
        assert "T0KEN" not in result.stdout + result.stderr


def test_a_token_that_ends_on_the_way_is_renewed(tmp_path):
    with Pair() as pair:
        given = []

        def answer(method, path, headers, old=pair.honest.answer):
            if path.startswith("/token"):
                given.append(f"T{len(given)}")
                return Answer(b'{"token":"%s","expires_in":300}' % given[-1].encode(), "application/json")
            # The first token is good for the manifest only.
            if headers.get("Authorization") in (f"Bearer {t}" for t in given) and not (
                    "/blobs/" in path and headers.get("Authorization") == "Bearer T0"):
                return old(method, path, headers)
            return Answer(b"{}", "application/json", 401,
                          WWW_Authenticate=f'Bearer realm="http://{pair.registry.host}/token"')
        pair.honest.answer = answer
        result, written = run(pair, tmp_path)
        assert result.returncode == 0, result.stderr
        assert written == ["b_1.tar"]


def test_an_identity_token_goes_as_a_refresh_token(tmp_path):
    with Pair() as pair:
        posts = []

        def answer(method, path, headers, old=pair.honest.answer):
            if path.startswith("/token"):
                posts.append(method)
                return Answer(b'{"access_token":"T"}', "application/json")
            if headers.get("Authorization") == "Bearer T":
                return old(method, path, headers)
            return Answer(b"{}", "application/json", 401,
                          WWW_Authenticate=f'Bearer realm="http://{pair.registry.host}/token"')
        pair.honest.answer = answer
        (tmp_path / "id.json").write_text('{"auths":{"%s":{"identitytoken":"idt"}}}' % pair.registry.host)
        result, written = run(pair, tmp_path, "--authfile", tmp_path / "id.json")
        assert result.returncode == 0, result.stderr
        assert posts == ["POST"]


def test_a_cut_connection_goes_on_where_it_was(tmp_path):
    with Pair() as pair:
        starts = []
        digest = hostile_registry.second(pair.honest)
        data = pair.honest.image.blobs[digest]

        def blob(asked, start=0, old=pair.honest.blob):
            answer = old(asked, start)
            if asked == digest:
                starts.append(start)
                if len(starts) == 1:
                    answer.cut, answer.length = 40000, len(data)
            return answer
        pair.honest.blob = blob
        result, written = run(pair, tmp_path, "--retries=3")
        assert result.returncode == 0, result.stderr
        assert written == ["b_1.tar"]
        assert len(starts) == 2 and starts[0] == 0 and 0 < starts[1] <= 40000


def test_a_server_without_ranges_begins_anew(tmp_path):
    with Pair() as pair:
        calls = []
        digest = hostile_registry.second(pair.honest)

        def blob(asked, start=0, old=pair.honest.blob):
            answer = old(asked)  # whatever was asked for: all of it
            if asked == digest:
                calls.append(start)
                if len(calls) == 1:
                    answer.cut, answer.length = 40000, len(answer.body)
            return answer
        pair.honest.blob = blob
        result, written = run(pair, tmp_path, "--retries=3")
        assert result.returncode == 0, result.stderr
        assert written == ["b_1.tar"]
        assert hakim(tmp_path, "verify", tmp_path / "out/b_1.tar").returncode == 0


def test_a_busy_registry_is_asked_again(tmp_path):
    with Pair() as pair:
        answers = []

        def manifest(target, old=pair.honest.manifest):
            answers.append(target)
            return old(target) if len(answers) > 1 else Answer(b"{}", "application/json", 429,
                                                               Retry_After="880.092\u00b5s".encode().decode("latin-1"))
        pair.honest.manifest = manifest
        result, written = run(pair, tmp_path)
        assert result.returncode == 0, result.stderr
        assert written == ["b_1.tar"]


def test_a_registry_that_stalls_is_given_up(tmp_path):
    import time
    with Pair() as pair:
        def answer(*args):
            time.sleep(8)
            return Answer(status=404)
        pair.honest.answer = answer
        result, written = run(pair, tmp_path, "--stall-timeout=1", "--retries=0")
        assert result.returncode == 1
        assert "stalled" in result.stdout + result.stderr
        assert written == []


def test_a_warning_is_shown_without_control_characters(tmp_path):
    with Pair() as pair:
        def manifest(target, old=pair.honest.manifest):
            answer = old(target)
            answer.headers["Warning"] = '299 - "this tag \x1b[31mgoes away"'
            return answer
        pair.honest.manifest = manifest
        result = hakim(tmp_path, "inspect", f"{pair.registry.host}/a/b:1", "--plain-http", "--platform=linux/amd64")
        assert result.returncode == 0, result.stderr
        assert "this tag ?[31mgoes away" in result.stderr


def test_tags_come_page_by_page_and_never_for_ever(tmp_path):
    with Pair() as pair:
        def answer(method, path, headers):
            if "last=b" in path:
                return Answer(b'{"tags":["c"]}', "application/json")
            return Answer(b'{"tags":["a","b"]}', "application/json",
                          Link=f'<http://{pair.other.host}/v2/a/b/tags/list?last=b&n=2>; rel="next"')
        pair.honest.answer = answer
        result = hakim(tmp_path, "tags", f"{pair.registry.host}/a/b", "--plain-http")
        assert result.stdout.split() == ["a", "b", "c"]
        assert pair.other.seen == []
        pair.honest.answer = lambda *args: Answer(b'{"tags":[]}', "application/json", Link='</x?y=1>; rel="next"')
        result = hakim(tmp_path, "tags", f"{pair.registry.host}/a/b", "--plain-http")
        assert result.returncode == 1 and "empty pages" in result.stderr
