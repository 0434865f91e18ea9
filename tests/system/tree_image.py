"""An image whose layers are trees of files: written as skopeo's dir: has it, never whole in memory."""
from __future__ import annotations

import hashlib
import io
import json
import os
import subprocess
import tarfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

OCI = "application/vnd.oci.image."
PACK = {"": ["cat"], "+gzip": ["gzip", "-1nc"], "+zstd": ["zstd", "-1qc", "-T1"]}


@dataclass(frozen=True)
class Entry:
    """One entry of a layer. A directory's name ends in a slash; `link` makes a symlink, `hard` a hard link."""

    name: str
    text: bytes = b""
    mode: int = 0o644
    owner: tuple[int, int] = (0, 0)
    link: str = ""
    hard: str = ""
    xattrs: Mapping[str, bytes] = field(default_factory=dict)

    def info(self) -> tarfile.TarInfo:
        """As tarfile has it."""
        info = tarfile.TarInfo(self.name.rstrip("/"))
        info.mode, (info.uid, info.gid), info.mtime = self.mode, self.owner, 1700000000
        info.pax_headers = {f"SCHILY.xattr.{key}": value.decode("utf-8", "surrogateescape")
                            for key, value in self.xattrs.items()}
        if self.name.endswith("/"):
            info.type = tarfile.DIRTYPE
        elif self.link or self.hard:
            info.type, info.linkname = (tarfile.SYMTYPE, self.link) if self.link else (tarfile.LNKTYPE, self.hard)
        else:
            info.size = len(self.text)
        return info


def add(tar: tarfile.TarFile, entries: Sequence[Entry]) -> None:
    """Puts them into a layer, in this order."""
    for entry in entries:
        tar.addfile(entry.info(), io.BytesIO(entry.text))


def copy(tar: tarfile.TarFile, source: Path) -> None:
    """Puts another tar into a layer, without the devices, as those who build images do."""
    with tarfile.open(source, "r:") as other:
        for member in other:
            if not member.name.startswith("./dev/"):
                tar.addfile(member, other.extractfile(member) if member.isreg() else None)


def digest_of(path: Path) -> str:
    """Of a file."""
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        while chunk := file.read(1 << 20):
            digest.update(chunk)
    return "sha256:" + digest.hexdigest()


class TreeImage:
    """Make its layers one after the other, with config() at the end; then Registry.push() takes it."""

    def __init__(self, scratch: Path) -> None:
        self._scratch = scratch
        scratch.mkdir()
        self.layers: list[dict[str, Any]] = []
        self.diff_ids: list[str] = []
        self.manifest: dict[str, Any] = {}

    @contextmanager
    def layer(self, packed: str = "+gzip") -> Iterator[tarfile.TarFile]:
        """The next layer, packed so when the block ends."""
        plain, blob = self._scratch / "plain", self._scratch / "blob"
        with tarfile.open(plain, "w", format=tarfile.PAX_FORMAT) as tar:
            yield tar
        with open(plain, "rb") as source, open(blob, "wb") as target:
            subprocess.run(PACK[packed], stdin=source, stdout=target, check=True)
        self.diff_ids.append(digest_of(plain))
        self.layers.append(self._keep(blob, OCI + "layer.v1.tar" + packed))
        plain.unlink()

    def _keep(self, path: Path, kind: str) -> dict[str, Any]:
        digest = digest_of(path)
        described = {"mediaType": kind, "digest": digest, "size": path.stat().st_size}
        path.rename(self._scratch / digest[7:])
        return described

    def config(self, architecture: str = "amd64", **run: Any) -> TreeImage:
        """What the image says of itself; Entrypoint=, Env= and the like."""
        path = self._scratch / "config"
        path.write_text(json.dumps({"architecture": architecture, "os": "linux", "config": run,
                                    "rootfs": {"type": "layers", "diff_ids": self.diff_ids}}), "utf-8")
        self.manifest = {"schemaVersion": 2, "mediaType": OCI + "manifest.v1+json",
                         "config": self._keep(path, OCI + "config.v1+json"), "layers": self.layers}
        return self

    def write_directory(self, path: str) -> None:
        """As skopeo's dir: has it."""
        os.makedirs(path, exist_ok=True)
        for blob in self._scratch.iterdir():
            os.link(blob, Path(path) / blob.name)
        (Path(path) / "version").write_text("Directory Transport Version: 1.1\n", "ascii")
        (Path(path) / "manifest.json").write_text(json.dumps(self.manifest), "utf-8")
