# SPDX-License-Identifier: MIT
# shellcheck disable=SC2086 # options are split on purpose
# Sourced by tools/check: the lanes.  A lane builds in one way, runs its canaries, which must fail,
# and then its tests; the results go to $rows, a line `lane/suite done goal failed skipped seconds`.

lanes='
debug     gcc -O0, assert() on, warnings are errors: all tests
release   gcc -O2, NDEBUG: all tests
asan      gcc, address, undefined-behaviour and leak sanitizers: all tests
tsan-gcc  gcc, thread sanitizer: the stress programs
tsan-clang  clang, thread sanitizer: the stress programs
clang     clang, -Wdocumentation -Wthread-safety are errors: must compile
explore   the schedule explorer: the lock layer in many orders of its steps
house     layers, headers, exported symbols, format, coverage of the API
install   staged installation: the examples through pkg-config
valgrind  memcheck: the stress programs, shortened
'

debug_options='-Dbuildtype=debug -Dwerror=true'
release_options='-Doptimization=2 -Ddebug=false -Db_ndebug=true'

list_lanes() { sed -n '/./s/^\([^ ]*\) *\(.*\)/\1\t\2/p' <<<"$lanes" | expand -t 12; }
lane_names() { awk 'NF { print $1 }' <<<"$lanes"; }
is_lane() { lane_names | grep -qxF -- "$1"; }

# add_row CHECK PASSED FAILED SKIPPED SECONDS
add_row() {
	printf '%s\t%d\t%d\t%d\t%d\t%.1f\n' "$1" $(($2 + $3)) $(($2 + $3 + $4)) "$3" "$4" "$5" >>"$rows"
}

# log_lines FILE: what is in it, without what ninja did well.
log_lines() { grep -avE '^\[[0-9]+/[0-9]+\] ' "$1"; }

# add_failure LANE WHAT FILE [SECONDS]: it failed, and FILE is its output; for now and for the end.
add_failure() {
	say "--- FAILED $1: $2"
	log_lines "$3" | tail -n 80 | sed 's/^/    | /' >&2
	{
		printf 'FAILED %s: %s\n' "$1" "$2"
		log_lines "$3" | tail -n 10 | cut -c -200 | sed 's/^/    /'
	} >>"$failures"
	add_row "$1/$2" 0 1 0 "${4:-0}"
}

# recall_failures FILE: the output of a few, then all of them in one line each: logs may be cut to
# their last lines.
recall_failures() {
	[ -s "$1" ] || return 0
	echo
	awk '/^FAILED/ && ++num > 6 { exit } { print }' "$1"
	printf '\n%d failures in all:\n' "$(grep -ac '^FAILED' "$1")"
	grep -a '^FAILED' "$1" | cut -c -200 | tail -n 60
}

# run_lane LANE
run_lane() {
	local lane=$1 start=$SECONDS before after

	say "== $lane"
	before=$(wc -l <"$rows")
	"lane_${lane//-/_}"
	after=$(wc -l <"$rows")
	if [ "$before" -eq "$after" ]; then
		add_failure "$lane" 'the lane ran no test' /dev/null
	fi
	tail -n +$((before + 1)) "$rows" | awk -F'\t' -v lane="$lane" -v seconds=$((SECONDS - start)) '
		{ done += $2; failed += $4; skipped += $5 }
		END { printf "== %s: %d passed, %d failed, %d skipped, %d s\n",
			lane, done - failed, failed, skipped, seconds }' >&2
}

# run_step LANE WHAT COMMAND...: one command is one test.
run_step() {
	local lane=$1 what=$2 start=$SECONDS
	shift 2

	say "   $what"
	if "$@" >"$out/$lane.log" 2>&1; then
		add_row "$lane/$what" 1 0 0 $((SECONDS - start))
		return 0
	fi
	add_failure "$lane" "$what" "$out/$lane.log" $((SECONDS - start))
	return 1
}

# build DIR OPTION...: everything in $out/DIR.
build() {
	configure "$out/$1" "${@:2}" && ninja -k 0 -j "$jobs" -C "$out/$1"
}

# meson_test LANE DIR [--canary] MESON_OPTION...: builds what the chosen tests need, runs, counts.
# $layout and what it stands for: see use_plain_layout().
meson_test() {
	local lane=$1 dir=$out/$2 canary= testlog status
	shift 2
	if [ "$1" = --canary ]; then
		canary=$1
		shift
	fi

	say "   ${canary:+canaries, which must fail: }testing"
	rm -f "$dir"/meson-logs/testlog*.json
	# shellcheck disable=SC2086 # a command of several words, or nothing
	NINJAFLAGS= CRITERION_OUTPUTS=tap:- $layout \
		meson test -C "$dir" --num-processes "$jobs" "$@" >"$out/$lane.log" 2>&1 9>&-
	status=$?
	# With a wrapper the log bears its name.
	testlog=$(find "$dir/meson-logs" -name 'testlog*.json' -size +0 | head -n 1)
	if [ -z "$testlog" ]; then
		add_failure "$lane" "meson test ran nothing (status $status)" "$out/$lane.log"
	elif ! python3 "$top/tools/lib/count.py" "$lane" "$testlog" "$out" \
		${canary:+"$canary" "$top/tests/house/canary/expected"}; then
		add_failure "$lane" 'cannot count' /dev/null
	fi
}

# Where the kernel spreads memory too far, ThreadSanitizer cannot start.  A container may forbid to
# change that; then it is tried as it is.
layout=
use_plain_layout() {
	layout="setarch $(uname -m) -R"
	$layout true 2>/dev/null || layout=
}

# The explorer is compiled in its own way whatever the build, so once is enough.
all_tests='--no-suite canary --no-suite house --no-suite install --no-suite explore'

# run_tests LANE DIR TIMEOUT_FACTOR OPTION...: the canaries of the lane's kind, then the tests.
# shellcheck disable=SC2086 # $4 and $5 are options
run_tests() {
	local lane=$1 dir=$2 factor=$3 which=$4 wrapper=${5:+--wrapper=$5}

	meson_test "$lane" "$dir" --canary ${wrapper:+"$wrapper"} --suite "canary-${lane%%-*}"
	meson_test "$lane" "$dir" ${wrapper:+"$wrapper"} $which \
		--timeout-multiplier $((factor * long_factor))
}

lane_debug() {
	run_step debug build build debug $debug_options || return
	run_tests debug debug 1 "$all_tests"
}

lane_release() {
	run_step release build build release $release_options || return
	run_tests release release 1 "$all_tests"
}

lane_asan() {
	run_step asan build build asan -Doptimization=1 -Db_sanitize=address,undefined || return
	run_tests asan asan 4 "$all_tests" "$top/tools/lib/sanitize-wrap"
}

# Only programs with a main of their own: Criterion does not start under ThreadSanitizer.
tsan() {
	use_plain_layout
	run_step "$1" build configure "$out/$1" -Doptimization=1 -Db_sanitize=thread \
		-Db_lundef=false || return
	TSAN_OPTIONS=halt_on_error=1:abort_on_error=1 run_tests "$1" "$1" 4 '--suite stress'
	layout=
}
lane_tsan_gcc() { tsan tsan-gcc; }
lane_tsan_clang() { CC=clang-14 CXX=clang++-14 tsan tsan-clang; }

lane_clang() {
	CC=clang-14 CXX=clang++-14 run_step clang build build clang -Dtests=false -Dwerror=true \
		"-Dc_args=['-Wdocumentation', '-Wthread-safety']"
	CC=clang-14 CXX=clang++-14 run_step clang canary "$top/tests/house/clang_finds.sh" "$top"
}

lane_explore() {
	run_step explore build build debug $debug_options || return
	run_tests explore debug 1 '--suite explore'
}

# These look at the debug build; tests/house/ holds their canaries too.
lane_house() {
	run_step house build build debug $debug_options || return
	meson_test house debug --suite house
}

lane_install() {
	run_step install build build release $release_options || return
	meson_test install release --suite install
}

lane_valgrind() {
	run_step valgrind build build debug $debug_options || return
	WWR_TEST_SHORT=1 run_tests valgrind debug 10 '--suite stress' "$top/tools/lib/valgrind-wrap"
}

# write_symbols: the lists in tests/house/.
write_symbols() {
	local name lib

	run_step symbols build build symbols -Dtests=false || return
	for name in wwresv wwresv-drm; do
		lib=$(find "$out/symbols" -name "lib$name.so")
		"$top/tests/house/symbols.sh" --print "$lib" >"$top/tests/house/$name.symbols" || return
		say "wrote tests/house/$name.symbols"
	done
}

print_table() {
	{
		printf 'check\tdone\tgoal\tfailed\tskipped\tseconds\n'
		cat "$1"
	} | awk -F'\t' '{ printf "%-24s %7s %7s %7s %7s %8s\n", $1, $2, $3, $4, $5, $6 }'
}

# write_json ROWS FILE
write_json() {
	awk -F'\t' '
		BEGIN { printf "{\"schema\": \"wwresv.check/1\", \"rows\": [" }
		{
			printf "%s\n  {\"check\": \"%s\", \"done\": %d, \"goal\": %d, " \
				"\"violations\": %d, \"seconds\": %s}",
				(NR > 1 ? "," : ""), $1, $2, $3, $4, $6
		}
		END { print "\n]}" }' "$1" >"$2"
}
