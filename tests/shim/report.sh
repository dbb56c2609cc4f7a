#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# report.sh WWRESV CLIENT_LEAVES: --report tells what a program left, and nothing else changes.
set -uo pipefail

wwresv=$1
client=$2
bad=0

# expect PATTERN WORD...: the program leaves these; one line of the report has the pattern, none
# another one.
expect() {
	local pattern=$1 out code
	shift

	out=$("$wwresv" run --report -- "$client" "$@" 2>&1)
	code=$?
	[ "$code" = 5 ] || { echo "$*: exit code $code"; bad=1; }
	if [ "$(grep -cE "^wwresv: client_leaves\[[0-9]+\]: $pattern" <<<"$out")" != 1 ]; then
		echo "$*: not once '$pattern' in:"
		echo "$out"
		bad=1
	fi
}

expect 'nothing is left$' nothing
expect '/dev/dri/renderD129 is left open with 1 buffers \(16384 bytes\), 0 syncobjs$' buffer
expect 'sw_sync is left open$' sync
expect 'unsignalled: fence .* pending\) has not signalled' sync
expect '1 descriptors of dma-bufs are left open$' dmabuf
expect '/dev/dri/renderD129 is left open with 1 buffers' buffer child
out=$("$wwresv" run -- "$client" buffer 2>&1)
[ -z "$out" ] || { echo "unasked: $out"; bad=1; }
exit $bad
