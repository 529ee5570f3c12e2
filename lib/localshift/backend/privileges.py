"""Root may not run PostgreSQL: the child process becomes an ordinary account that can still reach the files.

The child keeps the right to pass over file modes (an ambient capability), so that a checkout or a data folder below a
closed parent such as /root works without opening up any folder.
"""

from __future__ import annotations

import ctypes
import os
import pwd
import signal
import struct
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

PR_SET_PDEATHSIG = 1
PR_SET_KEEPCAPS = 8
PR_CAP_AMBIENT = 47
PR_CAP_AMBIENT_RAISE = 2
CAP_DAC_OVERRIDE = 1
CAP_DAC_READ_SEARCH = 2
CAPABILITY_VERSION_3 = 0x2008_0522
SYS_CAPSET = {"x86_64": 126, "aarch64": 91}


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """The numeric user and group PostgreSQL runs as."""

    uid: int
    gid: int


def account_for(folder: Path) -> Account | None:
    """Return the account to run as on `folder`: its owner, or `nobody`; None when this process is not root."""
    if os.geteuid() != 0:
        return None
    owner = folder.stat()
    if owner.st_uid != 0:
        return Account(uid=owner.st_uid, gid=owner.st_gid)
    try:
        nobody = pwd.getpwnam("nobody")
    except KeyError:
        return Account(uid=65534, gid=65534)
    return Account(uid=nobody.pw_uid, gid=nobody.pw_gid)


def child_setup(account: Account | None) -> Callable[[], None]:
    """Return what a child process does before it runs PostgreSQL: drop root, and end when its parent does."""
    libc = ctypes.CDLL(None, use_errno=True)
    machine = os.uname().machine
    parent = os.getpid()

    def setup() -> None:
        if account is not None:
            libc.prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0)
            os.setgroups([])
            os.setresgid(account.gid, account.gid, account.gid)
            os.setresuid(account.uid, account.uid, account.uid)
            _keep_file_access(libc, machine)
        # After setuid: a change of user clears the parent-death signal.
        libc.prctl(PR_SET_PDEATHSIG, signal.SIGQUIT, 0, 0, 0)
        if os.getppid() != parent:
            os._exit(1)

    return setup


def die_with_parent() -> None:
    """Make this process get SIGTERM when the thread that started it ends."""
    ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)


def _keep_file_access(libc: ctypes.CDLL, machine: str) -> None:
    """Keep, of root's capabilities, only those that pass over file modes; quietly nothing where that is impossible."""
    number = SYS_CAPSET.get(machine)
    if number is None:
        return
    for wanted in ((1 << CAP_DAC_OVERRIDE) | (1 << CAP_DAC_READ_SEARCH), 1 << CAP_DAC_OVERRIDE):
        header = ctypes.create_string_buffer(struct.pack("<Ii", CAPABILITY_VERSION_3, 0))
        data = ctypes.create_string_buffer(struct.pack("<IIIIII", wanted, wanted, wanted, 0, 0, 0))
        if libc.syscall(number, header, data) == 0:
            for bit in (CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH):
                if wanted & (1 << bit):
                    libc.prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, bit, 0, 0)
            return
