#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# rows_find.sh ROOT: what tools/check makes of the rows that a lane's program prints; nothing that
# went wrong may count as passed.
set -uo pipefail

top=$1
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT
# shellcheck disable=SC2034 # for what is sourced
jobs=1 beside=2 long_factor=1
# shellcheck source=tools/lib/setup.sh
. "$top/tools/lib/setup.sh"
# shellcheck source=tools/lib/run.sh
. "$top/tools/lib/run.sh"
# shellcheck source=tools/lib/table.sh
. "$top/tools/lib/table.sh"
fail() {
	echo "$1"
	exit 1
}

# comes_to 'N passed, N failed, N skipped' STATUS OUTPUT
comes_to() {
	results=$out/results/one
	rm -rf "$results"
	mkdir -p "$results"
	printf '#!/bin/sh\nprintf "%s"\necho noise >&2\nexit %d\n' "$3" "$2" >"$out/program"
	chmod +x "$out/program"
	run_rows one "$out/program" 2>"$out/log"
	got=$(totals <"$results/rows.tsv")
	[ "$got" = "$1" ] || { cat "$out/log"; fail "$got, not $1: status $2 and $3"; }
	case $1 in
	*' 0 failed'*) [ ! -e "$results/failures.txt" ] ;;
	*) grep -q '^FAILED one: ' "$results/failures.txt" ;;
	esac || fail "failures.txt is wrong for: status $2 and $3"
}
comes_to '2 passed, 0 failed, 0 skipped' 0 'a\t10\t10\t0\t1\nfor the reader\nb/c\t99.5\t95\t0\t0.5\n'
comes_to '0 passed, 1 failed, 0 skipped' 1 'a\t10\t10\t1\t1\n'
comes_to '0 passed, 1 failed, 0 skipped' 0 'a\t10\t10\t1\t1\n'
comes_to '0 passed, 1 failed, 0 skipped' 0 'a\t9\t10\t0\t1\n'
comes_to '0 passed, 1 failed, 0 skipped' 0 'a\t94.9\t95\t0\t1\n'
comes_to '1 passed, 1 failed, 0 skipped' 1 'a\t10\t10\t0\t1\n'
comes_to '0 passed, 1 failed, 0 skipped' 0 ''
comes_to '0 passed, 1 failed, 0 skipped' 77 'no such tool\n'
comes_to '0 passed, 1 failed, 0 skipped' 1 'a\tmany\t10\t0\t1\n'
results=$out/results/one
: >"$results/rows.tsv"
run_rows one "$out/nothing" 2>/dev/null
grep -q "nothing is not there" "$results/failures.txt" || fail 'a program that is not there'
! totals <"$results/rows.tsv" >/dev/null || fail 'it passes without the program'

# Lanes: their results stay apart, one that runs nothing fails, one that dies leaves no totals.
# shellcheck disable=SC2317 # called by name
{
	lane_good() { add_row good/x 3 0 0 1; }
	lane_empty() { :; }
	lane_dies() {
		add_row dies/x 1 0 0 1
		exit 3
	}
}
run_lanes good empty dies 2>"$out/log"
[ "$(cat "$out/results/good/totals")" = '3 passed, 0 failed, 0 skipped' ] || fail 'a good lane'
[ "$(cat "$out/results/empty/totals")" = '0 passed, 1 failed, 0 skipped' ] || fail 'an empty lane'
[ ! -e "$out/results/dies/totals" ] || fail 'a lane that dies'

# Tests that are missing count as failed.
! printf 'a/b\t3\t5\t0\t1\t2.0\t\n' | totals >"$out/sum" || fail 'results are missing'
grep -qx '3 passed, 1 failed, 1 skipped' "$out/sum" || fail "$(cat "$out/sum")"

printf 'a/b\t3\t5\t0\t2\t2.0\t\nschedules/x\t60\t50\t0\t0\t1\tone\nschedules/y\t55\t50\t1\t0\t1\tone\n' \
	>"$out/rows"
print_table "$out/rows" | grep -qE '^schedules, least of 2 +55 +50 +1 +0 +2$' || fail 'the table'
write_json "$out/rows" "$out/table"
python3 -c '
import json, sys
table = json.load(open(sys.argv[1]))
assert table["schema"] == "wwresv.check/1" and len(table["rows"]) == 3
assert table["rows"][2] == dict(check="schedules/y", done=55, goal=50, violations=1, seconds=1)
' "$out/table" || fail 'the JSON'
printf 'FAILED a: b\n    why\nFAILED c: d\n    why\n' >"$out/failures"
recall_failures "$out/failures" | tail -n 2 | tr '\n' ';' | grep -qx 'FAILED a: b;FAILED c: d;' ||
	fail 'the list of failures'
