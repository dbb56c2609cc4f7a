#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# count_finds.sh ROOT: tools/lib/count.py counts passes, failures and skips as they are.
set -euo pipefail

root=$1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# counts 'DONE GOAL FAILED SKIPPED' ENTRY [--canary]
counts() {
	local got

	rm -f "$work/rows" "$work/skips"
	printf '%s\n' "$2" >"$work/log"
	python3 "$root/tools/lib/count.py" lane "$work/log" "$work/rows" "$work/skips" "${@:3}" 2>/dev/null
	got=$(cut -f 2-5 "$work/rows" | tr '\t' ' ')
	[ "$got" = "$1" ] || { echo "counted $got, not $1, in $2"; exit 1; }
}
entry() {
	printf '{"name": "suite / t", "result": "%s", "returncode": %d, "stdout": "%s", "duration": 1}' \
		"$1" "$2" "${3-}"
}

counts '1 1 0 0' "$(entry OK 0)"
counts '1 1 1 0' "$(entry FAIL 1)"
counts '1 1 1 0' "$(entry TIMEOUT -15)"
counts '0 1 0 1' "$(entry SKIP 77 'no data')"
counts '3 3 0 0' "$(entry OK 0 'TAP version 13\n1..3\nok - a (0.0s)\nok 2 b\nok 3')"
counts '2 3 1 1' "$(entry FAIL 1 '1..3\nok - a\nnot ok - b\nok - c  # SKIP no data')"
counts '3 3 1 0' "$(entry OK 0 '1..3\nok - a\nok - b')"
counts '1 1 1 0' "$(entry OK 0 '1..1\nok - s::t  # SKIP test was skipped')"
counts '2 2 1 0' "$(entry FAIL 1 '1..1\nok - leaks, but says it is well')"
counts '1 1 1 0' "$(entry OK 0 '1..0')"
counts '1 1 0 0' "$(entry FAIL 1 '1..1\nnot ok 1')" --canary
counts '1 1 1 0' "$(entry OK 0 '1..1\nok 1')" --canary
