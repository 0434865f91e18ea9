"""What the benches share: the containers of the system tests, with what is built here."""
from __future__ import annotations

import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "tests" / "system"), str(ROOT / "tests" / "stand-ins")]

from hosts import rootfs  # noqa: E402
from hosts.host import Trees, own_by_container  # noqa: E402

ALWAYS = ("coder-agent.service", "home.service")


@contextmanager
def containers(*layers: Path, modules: bool = False, keep: tuple[str, ...] = ALWAYS) -> Iterator[Trees]:
    """What to make containers of: our programs above these layers, or above the small Debian tree.

    Of the modules only those without which there is no workspace (keep), unless all are asked for.
    """
    programs = Path(tempfile.mkdtemp(prefix=f"hakim-bench-{os.getpid()}-"))
    try:
        programs.chmod(0o755)
        rootfs.install_programs("build", programs)
        for file in (programs / "usr/lib/hakim/modules").iterdir():
            if not modules and file.name not in keep:
                file.unlink()
        own_by_container(programs, rootfs.SHIFT)
        yield Trees((programs, *(layers or rootfs.make_tree()[1:])))
    finally:
        shutil.rmtree(programs, ignore_errors=True)
