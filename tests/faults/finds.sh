#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# The sweep finds what is planted: each defect of scenario_canary.c, and a call that it never makes
# fail.
# usage: finds.sh SWEEP
set -uo pipefail
here=$(cd "$(dirname "$(readlink -f "$0")")" && pwd)
sweep=$1
missed=0
num=0

# expect WHAT TEXT COMMAND...: it fails, and says TEXT.
expect() {
	local what=$1 text=$2 output status

	shift 2
	output=$(timeout 60 "$@" 2>&1)
	status=$?
	num=$((num + 1))
	if [ $status -eq 1 ] && grep -qF -- "$text" <<<"$output"; then
		echo "found: $what"
		return
	fi
	missed=$((missed + 1))
	printf 'NOT found: %s (status %d)\n%s\n' "$what" $status "$output"
}

expect 'a leak of memory on an error path' '1 blocks of memory are left' "$sweep" --canary leak
expect 'a leak of a descriptor on an error path' '1 descriptors are left' "$sweep" --canary fd
expect 'a wrong error' 'is no documented error' "$sweep" --canary error
expect 'an error that is swallowed' 'not so: ret != 0 || a != NULL' "$sweep" --canary swallow
expect 'a refusal that lasts' 'again, with nothing failing' "$sweep" --canary again
expect 'a failure that is not looked at' 'it ends with status' "$sweep" --canary crash
expect 'a wait that never ends' 'it hangs' "$sweep" --canary hang
if command -v objdump >/dev/null && readelf -S "$sweep" | grep -q debug_line; then
	expect 'calls that are never made' 'never failed: ' "$here/sites.py" --sweep "$sweep" plain
	expect 'calls that are not wrapped' 'neither wrapped nor exempt: ' \
		"$here/sites.py" --libs "$sweep" --sweep "$sweep" plain
fi
echo "$num planted, $((num - missed)) found"
[ $missed -eq 0 ]
