"""Runs a program under a list of system calls as systemd does: any other ends it (SIGSYS).

/usr/bin/python3 syscall_filter.py CALL,CALL... PROGRAM [WORD...]
"""

import os
import sys
from contextlib import suppress

import seccomp  # type: ignore[import-not-found]  # Debian: python3-seccomp

calls, *command = sys.argv[1:]
rules = seccomp.SyscallFilter(defaction=seccomp.KILL_PROCESS)
for call in calls.split(","):
    with suppress(RuntimeError):  # Another processor's, or newer than the library.
        rules.add_rule(seccomp.ALLOW, call)
rules.load()
os.execv(command[0], command)
