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

	rm -f "$work/rows.tsv"
	printf '%s\n' "$2" >"$work/meson-logs/log"
	python3 "$root/tools/lib/count.py" "${lane:-lane}" "$work/meson-logs/log" "$work" \
		${3:+"$3" "$work/expected"} 2>/dev/null
	got=$(cut -f 2-5 "$work/rows.tsv" | tr '\t' ' ')
	[ "$got" = "$1" ] || { echo "counted $got, not $1, in $2"; exit 1; }
}
# entry RESULT STATUS OUTPUT [NAME]
entry() {
	printf '{"name": "suite / %s", "result": "%s", "returncode": %d, "stdout": "%s", "duration": 1}' \
		"${4:-t}" "$1" "$2" "${3-}"
}
mkdir "$work/meson-logs" "$work/meson-info"

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

# TAP without a plan, and no TAP where there should be some.
counts '2 2 1 0' "$(entry OK 0 'ok 1 - of how many?')"
cat >"$work/meson-info/intro-tests.json" <<-'EOF'
	[{"name": "tap", "protocol": "tap", "cmd": ["/x/stress"]},
	 {"name": "criterion", "protocol": "exitcode", "cmd": ["/x/test_mutex"]},
	 {"name": "t", "protocol": "exitcode", "cmd": ["/x/layers.sh"]}]
EOF
counts '1 1 0 0' "$(entry OK 0 '')"
counts '1 1 1 0' "$(entry OK 0 '' criterion)"
counts '1 1 1 0' "$(entry SKIP 0 '' tap)"
counts '0 1 0 1' "$(entry SKIP 77 'no data' tap)"
counts '1 1 0 0' "$(entry OK 0 '1..1\nok 1' criterion)"

# A canary must fail, and as it is meant to.
printf '# name lanes pattern\nt * on purp..e\nt other another way\nearly * 1 results missing\n' \
	>"$work/expected"
counts '1 1 0 0' "$(entry FAIL 1 '1..1\nnot ok 1\n# on purpose')" --canary
counts '1 1 1 0' "$(entry OK 0 '1..1\nok 1')" --canary
counts '1 1 1 0' "$(entry OK 0 '1..1\nok 1 on purpose')" --canary
counts '1 1 1 0' "$(entry FAIL 127 'not found')" --canary
counts '1 1 1 0' "$(entry TIMEOUT -15 '')" --canary
counts '1 1 1 0' "$(entry FAIL 1 '1..1\nnot ok 1 on purpose' unheard_of)" --canary
counts '1 1 0 0' "$(entry OK 0 '1..2\nok 1' early)" --canary
lane=other-gcc counts '1 1 1 0' "$(entry FAIL 1 'on purpose')" --canary
lane=other-gcc counts '1 1 0 0' "$(entry FAIL 1 'another way')" --canary

# What failed is kept for the end, with the lines that say why.
: >"$work/failures.txt"
lines=$(seq -s '\n' 100)
counts '2 2 1 0' "$(entry FAIL 1 "1..2\nnot ok 1 - wrong sum\n  expected 4\nok 2\n$lines")"
grep -qxF 'FAILED lane: t: wrong sum' "$work/failures.txt"
grep -qxF '    not ok 1 - wrong sum' "$work/failures.txt"
grep -qxF '      expected 4' "$work/failures.txt"
grep -qxF '    100' "$work/failures.txt"
[ "$(wc -l <"$work/failures.txt")" -eq 11 ]
