"""A filter of system calls that no lab needs and that would get around the limits of a sandbox.

What it refuses: memory that no process maps (memfd, System V, message queues, pages given to a pipe, rings
of asynchronous input and output), new namespaces and mounts, tracing other processes, the kernel's key
rings, BPF and io_uring; and sockets of families that network namespaces do not hold, such as vsock, which
leads to the host of a virtual machine. Everything else is allowed.
"""

from __future__ import annotations

import errno
import platform
import socket
import struct

# Numbers of system calls, from the kernel's tables for each architecture.
_NUMBERS: dict[str, dict[str, int]] = {
    "x86_64": {
        "shmget": 29, "socket": 41, "socketpair": 53, "clone": 56, "semget": 64, "msgget": 68,
        "ptrace": 101, "pivot_root": 155,
        "mount": 165, "umount2": 166, "io_setup": 206, "mq_open": 240, "add_key": 248, "request_key": 249,
        "keyctl": 250, "unshare": 272, "vmsplice": 278, "perf_event_open": 298, "fanotify_init": 300,
        "setns": 308, "process_vm_readv": 310, "process_vm_writev": 311, "memfd_create": 319, "bpf": 321,
        "userfaultfd": 323, "io_uring_setup": 425, "open_tree": 428, "move_mount": 429, "fsopen": 430,
        "clone3": 435, "mount_setattr": 442, "memfd_secret": 447,
    },
    "aarch64": {
        "io_setup": 0, "umount2": 39, "mount": 40, "pivot_root": 41, "vmsplice": 75, "unshare": 97,
        "ptrace": 117, "mq_open": 180, "msgget": 186, "semget": 190, "shmget": 194,
        "socket": 198, "socketpair": 199,
        "add_key": 217, "request_key": 218, "keyctl": 219, "clone": 220, "perf_event_open": 241,
        "fanotify_init": 262, "setns": 268, "process_vm_readv": 270, "process_vm_writev": 271,
        "memfd_create": 279, "bpf": 280, "userfaultfd": 282, "io_uring_setup": 425, "open_tree": 428,
        "move_mount": 429, "fsopen": 430, "clone3": 435, "mount_setattr": 442, "memfd_secret": 447,
    },
}  # fmt: skip
_AUDIT_ARCH = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
# Calls of the x32 interface on x86_64 have this bit: another set of numbers, refused whole.
_X32 = 0x40000000
# CLONE_NEWTIME, NEWNS, NEWCGROUP, NEWUTS, NEWIPC, NEWUSER, NEWPID, NEWNET.
_NEW_NAMESPACES = 0x7E020080

# Within the machine, and within the kernel's own network.
_FAMILIES = (socket.AF_UNIX, socket.AF_INET, socket.AF_INET6, 16)  # 16: AF_NETLINK

_LOAD, _JUMP_EQUAL, _JUMP_GREATER_EQUAL, _JUMP_SET, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
_ALLOW, _KILL_PROCESS, _ERRNO = 0x7FFF0000, 0x80000000, 0x00050000
_OFFSET_NUMBER, _OFFSET_ARCH, _OFFSET_FIRST_ARGUMENT = 0, 4, 16


def supported() -> bool:
    """Tell whether there is a filter for this machine's architecture."""
    return platform.machine() in _NUMBERS


def program(machine: str | None = None) -> bytes:
    """Return the filter as the kernel takes it: an array of `struct sock_filter`.

    Args:
        machine: as `platform.machine()` names it; default: this one.

    Raises:
        KeyError: if there is no filter for it.
    """
    machine = machine or platform.machine()
    numbers = _NUMBERS[machine]
    code = [
        (_LOAD, 0, 0, _OFFSET_ARCH),
        (_JUMP_EQUAL, 1, 0, _AUDIT_ARCH[machine]),
        (_RETURN, 0, 0, _KILL_PROCESS),
        (_LOAD, 0, 0, _OFFSET_NUMBER),
    ]
    if machine == "x86_64":
        code += [(_JUMP_GREATER_EQUAL, 0, 1, _X32), (_RETURN, 0, 0, _ERRNO | errno.ENOSYS)]
    for name, number in sorted(numbers.items(), key=lambda item: item[1]):
        if name in ("clone", "socket", "socketpair"):
            continue
        # The C library falls back from clone3, whose flags no filter can read, to clone.
        error = errno.ENOSYS if name == "clone3" else errno.EPERM
        code += [(_JUMP_EQUAL, 0, 1, number), (_RETURN, 0, 0, _ERRNO | error)]
    for name in ("socket", "socketpair"):
        count = len(_FAMILIES)
        code += [
            (_JUMP_EQUAL, 0, count + 3, numbers[name]),
            (_LOAD, 0, 0, _OFFSET_FIRST_ARGUMENT),
            *((_JUMP_EQUAL, count - place, 0, int(family)) for place, family in enumerate(_FAMILIES)),
            (_RETURN, 0, 0, _ERRNO | errno.EAFNOSUPPORT),
            (_RETURN, 0, 0, _ALLOW),
        ]
    code += [
        (_JUMP_EQUAL, 0, 3, numbers["clone"]),
        (_LOAD, 0, 0, _OFFSET_FIRST_ARGUMENT),
        (_JUMP_SET, 0, 1, _NEW_NAMESPACES),
        (_RETURN, 0, 0, _ERRNO | errno.EPERM),
        (_RETURN, 0, 0, _ALLOW),
    ]
    return b"".join(struct.pack("HBBI", *instruction) for instruction in code)
