"""Becomes another program that ends with its parent and, if asked, runs as another user.

Run as a file (not as a module), so that it starts fast and needs nothing but the standard library:

    python child.py [--user UID:GID] [--signal NAME] -- COMMAND ...
"""

import argparse
import ctypes
import os
import signal
import sys

_PR_SET_PDEATHSIG = 1


def end_with_parent(number: signal.Signals) -> None:
    """Ask the kernel to send `number` to this process when its parent dies.

    Only Linux offers this. Elsewhere an orphan stays until the next start ends it.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, int(number), 0, 0, 0)


def become_user(*, uid: int, gid: int) -> None:
    """Drop root's rights for good. Raises PermissionError when not called as root."""
    os.setgroups([])
    os.setgid(gid)
    os.setuid(uid)


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--user")
    parser.add_argument("--signal", default="SIGTERM")
    parser.add_argument("command", nargs="+")
    options = parser.parse_args(arguments)
    parent = os.getppid()
    if options.user:
        uid, gid = options.user.split(":")
        become_user(uid=int(uid), gid=int(gid))
    # After the change of user, which clears the request.
    end_with_parent(signal.Signals[options.signal])
    if os.getppid() != parent:  # It died before the request was in place.
        raise SystemExit(1)
    os.execvp(options.command[0], options.command)


if __name__ == "__main__":
    main(sys.argv[1:])
