#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# plain.sh WWRESV FOLDER: programs that have nothing to do with devices say and return the same.
set -uo pipefail

wwresv=$(realpath "$1")
folder=$2
bad=0

# same WORD...: a command, with the devices and without.
same() {
	local plain plain_code run run_code

	plain=$("$@" 2>&1 | cksum; exit "${PIPESTATUS[0]}")
	plain_code=$?
	run=$("$wwresv" run -- "$@" 2>&1 | cksum; exit "${PIPESTATUS[0]}")
	run_code=$?
	[ "$plain/$plain_code" = "$run/$run_code" ] && return
	echo "$*: $plain, exit code $plain_code; with the devices: $run, exit code $run_code"
	bad=1
}

cd "$folder" || exit 1
same true
same sh -c 'exit 7'
same find . -type f -exec cksum {} +
same sh -c 'tar -cf - . | tar -tf - | sort'
same sh -c 'exec 9<. && cat <&9; ls -la /proc/self/fd/9 | sed "s/.*->//"'
same sh -c 'ls /nowhere /dev/null /sys/class; cat /proc/self/comm'
same sh -c 'for i in 1 2 3; do (cd / && ls -d etc) & wait; done'
same grep -rc main .
same python3 -c 'import os, select, socket
a, b = socket.socketpair()
b.send(b"x")
poll = select.epoll()
poll.register(a, select.EPOLLIN)
print(poll.poll(1)[0][1], select.select([a], [], [], 1)[0] == [a], os.stat("/").st_mode)
pid = os.fork()
if pid == 0:
    os._exit(len(os.listdir(".")) % 100)
print(os.waitpid(pid, 0)[1], os.path.realpath("/proc/self/cwd") == os.getcwd())'
exit $bad
