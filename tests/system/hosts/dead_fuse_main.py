"""The server of a DeadFuse: an empty file system. Run by dead_fuse.py, never by hand."""
from __future__ import annotations

import ctypes
import os
import struct
import sys

LOOKUP, FORGET, GETATTR, STATFS, INIT, OPENDIR, READDIR, RELEASEDIR, ACCESS, INTERRUPT = \
    1, 2, 3, 17, 26, 27, 28, 29, 34, 36
ENOENT, ENODEV, ENOSYS = 2, 19, 38
LIBC = ctypes.CDLL(None, use_errno=True)


def attributes(owner: int) -> bytes:
    """struct fuse_attr of an empty directory: ino … blksize."""
    return struct.pack("<6Q10I", 1, 0, 0, 0, 0, 0, 0, 0, 0, 0o40755, 2, owner, owner, 0, 512, 0)


def answer(opcode: int, owner: int) -> tuple[int, bytes] | None:
    """errno and data, None where nothing is to be said. No caching: every question comes here."""
    if opcode in (FORGET, INTERRUPT):
        return None
    if opcode == INIT:
        return 0, struct.pack("<4I2H2I", 7, 31, 65536, 0, 0, 0, 65536, 0) + bytes(64 - 28)
    if opcode == GETATTR:
        return 0, struct.pack("<QII", 0, 0, 0) + attributes(owner)
    if opcode == LOOKUP:
        return ENOENT, b""
    if opcode == OPENDIR:
        return 0, struct.pack("<QII", 0, 0, 0)
    if opcode == STATFS:
        return 0, struct.pack("<5Q4I6I", 0, 0, 0, 0, 0, 512, 255, 512, 0, 0, 0, 0, 0, 0, 0)
    if opcode in (READDIR, RELEASEDIR, ACCESS):
        return 0, b""
    return ENOSYS, b""


def serve(directory: str, owner: int) -> None:
    """Mounts it and answers."""
    fd = os.open("/dev/fuse", os.O_RDWR)
    options = f"fd={fd},rootmode=40755,user_id=0,group_id=0,allow_other"
    if LIBC.mount(b"dead", directory.encode(), b"fuse.dead", ctypes.c_ulong(2 | 4), options.encode()) != 0:
        raise OSError(ctypes.get_errno(), "mount")
    print("mounted", flush=True)
    while True:
        try:
            request = os.read(fd, 1 << 20)
        except OSError as error:
            if error.errno == ENODEV:  # unmounted
                return
            continue
        _length, opcode, unique = struct.unpack_from("<IIQ", request)
        said = answer(opcode, owner)
        if said:
            error_number, data = said
            os.write(fd, struct.pack("<IiQ", 16 + len(data), -error_number, unique) + data)


if __name__ == "__main__":
    serve(sys.argv[1], int(sys.argv[2]))
