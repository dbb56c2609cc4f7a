# SPDX-License-Identifier: MIT
# Sourced by tools/check: builds, tests and their results.
#
# Each lane has a folder $out/results/LANE for them, $results while it runs:
#   rows.tsv      CHECK DONE GOAL VIOLATIONS SKIPPED SECONDS KIND, with tabs.  KIND is empty: each one
#                 done is a test passed or failed; or `one`: the whole row is, and failed if there is
#                 a violation or less was done than its goal.
#   skips.txt     what this machine cannot test, and why
#   failures.txt  `FAILED lane: test: why`, then the end of its output behind blanks
# shellcheck disable=SC2154 # tools/check sets out, jobs, top, results and long_factor

# add_row CHECK PASSED FAILED SKIPPED SECONDS
add_row() {
	printf '%s\t%d\t%d\t%d\t%d\t%.1f\t\n' "$1" $(($2 + $3)) $(($2 + $3 + $4)) "$3" "$4" "$5" \
		>>"$results/rows.tsv"
}

# log_lines FILE: what is in it, without what ninja did well.
log_lines() { grep -avE '^\[[0-9]+/[0-9]+\] ' "$1"; }

# recall LANE WHAT FILE: a failure, and FILE is its output; for now and for the end.
recall() {
	say "--- FAILED $1: $2"
	log_lines "$3" | tail -n 80 | sed 's/^/    | /' >&2
	{
		printf 'FAILED %s: %s\n' "$1" "$2"
		log_lines "$3" | tail -n 10 | cut -c -200 | sed 's/^/    /'
	} >>"$results/failures.txt"
}

# add_failure LANE WHAT FILE [SECONDS]: the same as one failed test.
add_failure() {
	recall "$1" "$2" "$3"
	add_row "$1/$2" 0 1 0 "${4:-0}"
}

# run_step LANE WHAT COMMAND...: one command is one test.
run_step() {
	local lane=$1 what=$2 start=$SECONDS
	shift 2

	say "   $what"
	if "$@" >"$results/step.log" 2>&1; then
		add_row "$lane/$what" 1 0 0 $((SECONDS - start))
		return 0
	fi
	add_failure "$lane" "$what" "$results/step.log" $((SECONDS - start))
	return 1
}

# run_rows LANE PROGRAM ARGUMENT...: a program that prints lines CHECK DONE GOAL VIOLATIONS SECONDS
# with tabs; all else it prints is for the reader.  Its exit status must agree with them.
run_rows() {
	local lane=$1 program=$2 status bad log=$results/rows.log
	shift 2

	say "   ${program#"$top/"} $*"
	if [ ! -x "$program" ]; then
		add_failure "$lane" "${program#"$top/"} is not there" /dev/null
		return 1
	fi
	"$program" "$@" 2>&1 >"$log.out" 9>&- | tee "$log" >&2
	status=${PIPESTATUS[0]}
	awk -F'\t' -v OFS='\t' 'NF == 5 && $2 $3 $4 ~ /^[0-9.]+$/ { print $1, $2, $3, $4, 0, $5, "one" }' \
		"$log.out" >"$log.rows"
	cat "$log.rows" >>"$results/rows.tsv"
	bad=$(awk -F'\t' '$4 > 0 || $2 < $3 {
		printf "%s%s: %s of %s, %s violations", (n++ ? "; " : ""), $1, $2, $3, $4 }' "$log.rows")
	if [ -n "$bad" ]; then
		recall "$lane" "$bad" "$log"
	elif [ ! -s "$log.rows" ]; then
		add_failure "$lane" "no results, exit status $status" "$log"
	elif [ "$status" -ne 0 ]; then
		add_failure "$lane" "all well, but exit status $status" "$log"
	fi
}

# programs_of DIR SUITE...: what the tests of these suites run, of what is built in $out/DIR; not
# those that are in a suite -SUITE too.
programs_of() {
	python3 -c '
import json, os, sys
top = os.path.realpath(sys.argv[1])
apart = {"canary", "explore", "faults", "house", "install"}
def load(name):
    with open(top + "/meson-info/intro-" + name + ".json") as file:
        return json.load(file)
outputs = {target["id"]: target["filename"] for target in load("targets")}
wanted = set(sys.argv[2:])
found = set()
for test in load("tests"):
    suites = {suite.split(":")[-1] for suite in test["suite"]}
    if not (suites & wanted or "tests" in wanted and not suites & apart):
        continue
    if {"-" + suite for suite in suites} & wanted:
        continue
    found |= {word for word in test["cmd"] if word.startswith(top + "/")}
    found |= {output for name in test["depends"] for output in outputs.get(name, [])}
print(*sorted(os.path.relpath(program, top) for program in found))
' "$out/$1" "${@:2}"
}

# build DIR 'SUITE...' OPTION...: in $out/DIR what these suites need; `tests` are all that test the
# libraries and the tool, `all` is whatever there is but the canaries.  Lanes that run beside each
# other share builds: one builds, the other waits for it.
# shellcheck disable=SC2046,SC2086 # targets
build() {
	local dir=$1 suites=$2
	shift 2

	(
		# The second step brings up to date what programs_of() reads.
		flock 8 &&
			configure "$out/$dir" "$@" &&
			ninja -C "$out/$dir" build.ninja &&
			ninja -k 0 -j "$jobs" -C "$out/$dir" $(
				[[ " $suites " != *' all '* ]] || echo all
				programs_of "$dir" $suites
			)
	) 8>"$out/$dir.lock"
}

# Criterion runs each test in a process of its own, and each loads libgit2, which only it names and
# never needs, and what that needs: twenty libraries.  A library of that name in $out/light has the
# few functions that Criterion links to; each says that it failed.  Where Criterion is another one,
# nothing changes.
make_light() {
	local lib name

	light=$out/light
	rm -rf "$light"
	mkdir "$light" || return
	lib=$(cc -print-file-name=libcriterion.so)
	name=$(readelf -d "$lib" 2>/dev/null | sed -n 's/.*NEEDED.*\[\(libgit2\.so[^]]*\)\]/\1/p')
	[ -n "$name" ] || return 0
	nm -D --undefined-only "$lib" | awk '$2 ~ /^git_/ { print "int " $2 "(void); int " $2 "(void) { return -1; }" }' |
		cc -shared -fPIC -Wl,-soname,"$name" -x c - -o "$light/$name" || rm -f "$light/$name"
}

# meson_test LANE DIR [--canary] MESON_OPTION...: runs what is built, counts.
# $layout and what it stands for: see use_plain_layout().
meson_test() {
	local lane=$1 dir=$out/$2 base=$1 canary='' testlog status
	shift 2
	if [ "$1" = --canary ]; then
		canary=$1
		base=$lane-canary
		shift
	fi

	say "   ${canary:+canaries, which must fail: }testing"
	rm -f "$dir/meson-logs/$base"[.-]*json
	# shellcheck disable=SC2086 # a command of several words, or nothing
	# One more than there are processors: some tests do nothing but wait for a stall.
	CRITERION_OUTPUTS='tap:-' LD_LIBRARY_PATH=${light-} $layout meson test -C "$dir" --no-rebuild --logbase "$base" \
		--num-processes $((jobs + 1)) "$@" >"$results/meson.log" 2>&1 9>&-
	status=$?
	# With a wrapper the log bears its name.
	testlog=$(find "$dir/meson-logs" \( -name "$base.json" -o -name "$base-*-wrap.json" \) \
		-size +0 | head -n 1)
	if [ -z "$testlog" ]; then
		add_failure "$lane" "${canary#--} meson test ran nothing (status $status)" \
			"$results/meson.log"
	elif ! python3 "$top/tools/lib/count.py" "$lane" "$testlog" "$results" \
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

# Where there are many programs and nobody but their tests uses them.
use_fast_linker() {
	! command -v ld.gold >/dev/null || export CC_LD=gold
}

# run_tests LANE DIR TIMEOUT_FACTOR OPTION...: the canaries of the lane's kind, then the tests.
# shellcheck disable=SC2086 # $4 and $5 are options
run_tests() {
	local lane=$1 dir=$2 factor=$3 which=$4 wrapper=${5:+--wrapper=$5} but=''

	[[ $which != *'--no-suite tool-runs'* ]] || but='--no-suite tool-runs'
	meson_test "$lane" "$dir" --canary ${wrapper:+"$wrapper"} --suite "canary-${lane%%-*}" $but
	# Two lanes may share the processors.
	meson_test "$lane" "$dir" ${wrapper:+"$wrapper"} $which \
		--timeout-multiplier $((2 * factor * long_factor))
}

# run_lane LANE: into $out/results/LANE.
run_lane() {
	local lane=$1 start=$SECONDS

	results=$out/results/$lane
	rm -rf "$results"
	mkdir -p "$results"
	: >"$results/rows.tsv"
	: >"$results/skips.txt"
	: >"$results/failures.txt"
	# What it begins stays in its process group.
	set +m
	"lane_${lane//-/_}"
	[ -s "$results/rows.tsv" ] || add_failure "$lane" 'the lane ran no test' /dev/null
	totals <"$results/rows.tsv" >"$results/totals"
	times >"$results/times"
	say "== $lane: $(cat "$results/totals"), $((SECONDS - start)) s, of processors" \
		"$(tail -n 1 "$results/times" | awk -F'[ms ]+' '{ print int($1 * 60 + $2 + $3 * 60 + $4) }') s"
}

# progress LANE: the last line of what it wrote last.
progress() {
	local file

	file=$(find "$out/$1.out" "$out/results/$1" -type f \( -name '*.log' -o -name '*.out' \) -size +0 \
		-printf '%T@ %p\n' 2>/dev/null | sort -n | tail -n 1 | cut -d ' ' -f 2-)
	tail -n 1 "${file:-/dev/null}" | tr -s ' \t' ' ' | cut -c -60
}

pids=()
stop_lanes() {
	local pid

	for pid in "${pids[@]}"; do
		kill -TERM -- "-$pid" 2>/dev/null
	done
	die 'stopped'
}

# run_lanes LANE...: $beside of them at a time, since each is serial here and there; what a lane
# prints comes in one piece.
run_lanes() {
	local lane pid named=() i beat=$SECONDS

	pids=()
	# Each lane gets a process group, so that it can be stopped with all it began.
	set -m
	trap 'stop_lanes' INT TERM HUP
	while [ $# -gt 0 ] || [ ${#pids[@]} -gt 0 ]; do
		if [ $# -gt 0 ] && [ ${#pids[@]} -lt "$beside" ]; then
			lane=$1
			shift
			say "== $lane: begins"
			run_lane "$lane" >"$out/$lane.out" 2>&1 &
			pids+=("$!")
			named+=("$lane")
			continue
		fi
		for i in "${!pids[@]}"; do
			pid=${pids[i]}
			kill -0 "$pid" 2>/dev/null && continue
			wait "$pid"
			cat "$out/${named[i]}.out" >&2
			unset "pids[i]" "named[i]"
		done
		pids=("${pids[@]}")
		named=("${named[@]}")
		if [ $((SECONDS - beat)) -ge 60 ]; then
			beat=$SECONDS
			for lane in "${named[@]}"; do
				say "   $SECONDS s, $lane: $(progress "$lane")"
			done
		fi
		sleep 0.5
	done
}
