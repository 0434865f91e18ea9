"""The Debian package of `hakim`, its completion and its manual."""
from __future__ import annotations

import subprocess
from pathlib import Path

from proxmox_kit import HAKIM, ROOT


def sh(*words: str | Path, **more: str) -> str:
    """What it says."""
    return subprocess.run(words, check=True, capture_output=True, text=True, cwd=ROOT, **more).stdout  # type: ignore


def test_the_package_has_what_a_host_needs(tmp_path: Path) -> None:
    """The command, which runs; manual, completion, a timer; nothing that is ours to overwrite in /etc."""
    (tmp_path / "hakim").write_bytes(HAKIM.read_bytes())
    deb = sh("sh", "packaging/deb.sh", tmp_path, "1.2.3").strip()
    out = tmp_path / "out"
    sh("dpkg-deb", "-x", deb, out)
    assert sh(out / "usr/bin/hakim", "version").startswith("hakim ")
    assert {str(p.relative_to(out)) for p in out.rglob("*") if p.is_file()} == {
        "usr/bin/hakim", "usr/share/man/man1/hakim.1.gz", "usr/share/bash-completion/completions/hakim",
        "usr/share/zsh/vendor-completions/_hakim", "usr/share/doc/hakim/examples/hakim-pull.service",
        "usr/share/doc/hakim/examples/hakim-pull.timer", "usr/share/doc/hakim/copyright",
        "usr/share/hakim/pull-oci-templates.sh", "usr/share/hakim/hakim-home-hook"}
    assert sh("dpkg-deb", "-f", deb, "Version").strip() == "1.2.3"


def test_all_that_it_is_linked_with_is_in_depends(tmp_path: Path) -> None:
    """Each library's package is named."""
    (tmp_path / "hakim").write_bytes(HAKIM.read_bytes())
    depends = sh("dpkg-deb", "-f", sh("sh", "packaging/deb.sh", tmp_path, "1").strip(), "Depends")
    needed = [line.split("[")[1].rstrip("]") for line in sh("readelf", "-d", HAKIM).splitlines() if "NEEDED" in line]
    packages = {"libcurl.so.4": "libcurl4", "libssl.so.3": "libssl3", "libcrypto.so.3": "libssl3",
                "libjansson.so.4": "libjansson4", "libz.so.1": "zlib1g", "libzstd.so.1": "libzstd1",
                "libc.so.6": "libc6", "libm.so.6": "libc6"}
    for library in needed:
        assert packages[library] in depends


def test_the_completion_knows_commands_options_and_values() -> None:
    """In bash, from what hakim itself lists."""
    script = "PATH={}:$PATH; . completion/hakim.bash; COMP_WORDS=({}); COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1)); " \
             "_hakim; echo ${{COMPREPLY[*]}}"
    for line, want in (("hakim pu", "pull"), ("hakim pull --check", "--check-remote-digest"),
                       ("hakim pull --via up", "upload"), ("hakim prune --ye", "--yes")):
        assert sh("bash", "-c", script.format(HAKIM.parent, line)).strip() == want


def test_the_manual_names_every_command_and_way() -> None:
    """What help lists is in hakim(1)."""
    text = (ROOT / "docs/hakim.1").read_text()
    for line in sh(HAKIM, "pull", "--help").splitlines():
        if line.startswith("  ") and line.endswith("]"):
            assert line.rsplit("[", 1)[1].rstrip("]") in text
    for way in ("direct", "pvesh", "api", "upload", "auto"):
        assert f".It Cm {way}" in text
