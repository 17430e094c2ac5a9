"""Ends the process groups of a supervisor that was itself killed. Run as a script, without Django.

Reads lines `+GROUP` and `-GROUP` from standard input. The end of input means that the supervisor is gone: whatever
groups remain get SIGTERM and, after the grace period (first argument, seconds), SIGKILL.
"""

from __future__ import annotations

import os
import signal
import sys
import time


def signal_groups(groups: set[int], number: int) -> set[int]:
    """Those that still had a process."""
    alive: set[int] = set()
    for group in groups:
        try:
            os.killpg(group, number)
        except (ProcessLookupError, PermissionError):
            continue
        alive.add(group)
    return alive


def main() -> None:
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    groups: set[int] = set()
    for line in sys.stdin:
        group = int(line[1:])
        if line[0] == "+":
            groups.add(group)
        else:
            groups.discard(group)
    deadline = time.monotonic() + float(sys.argv[1])
    groups = signal_groups(groups, signal.SIGTERM)
    while groups and time.monotonic() < deadline:
        time.sleep(0.1)
        groups = signal_groups(groups, 0)
    signal_groups(groups, signal.SIGKILL)


if __name__ == "__main__":
    main()
