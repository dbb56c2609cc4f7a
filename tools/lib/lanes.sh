# SPDX-License-Identifier: MIT
# shellcheck disable=SC2086 # options are split on purpose
# shellcheck disable=SC2154 # tools/check sets out, jobs, top and long
# Sourced by tools/check: the lanes.  A lane builds in one way, runs its canaries, which must fail,
# and then its tests; tools/lib/run.sh says where the results go.

# In the order in which they begin: the long ones first.
lanes='
asan      gcc, assert() on, address, undefined-behaviour and leak sanitizers: all tests
release   gcc -O2, NDEBUG: all tests
debug     gcc -O0, assert() on: the libraries and their branches, injected back-offs, stress
fuzz      random inputs and operations, and bugs that they must find
house     layers, headers, exported symbols, format, coverage of the API
valgrind  memcheck: the stress programs, shortened
tsan-gcc  gcc, thread sanitizer: the stress programs
tsan-clang  clang, thread sanitizer: the stress programs
planted   bugs planted in lock layer, fences and scheduler: the explorer finds them
faults    each call to memory and to the system fails, site by site
weak      relacy: the lock layer under a weak memory model, each memory order made weaker
explore   the schedule explorer: lock layer, fences and scheduler in many orders of their steps
models    spin: the protocol in Promela, its exact bounds, and rules left out
msan      clang, memory sanitizer: the stress programs
clang     clang, -Wdocumentation -Wthread-safety are errors: all must compile
install   staged installation: the examples through pkg-config
'

# Lines are enough for reports, and there is less to compile; so there is of libraries in few pieces.
lines=-Dc_args=-g1
few=-Dunity_libs=true
debug_options="$few -Dbuildtype=debug -Dwerror=true -Dcoverage=true $lines"
# What is undefined is an illegal instruction, which AddressSanitizer reports with its line: when a test
# ends LeakSanitizer looks at all there is in memory, and half of that would be the other runtime.
# C++ is in peers of the bench alone.
asan_options="$few -Dwerror=true -Doptimization=1 -Db_sanitize=address,undefined -Dbench_cpp=disabled
-Dc_args=['-g1','-fsanitize-undefined-trap-on-error'] -Dc_link_args=-fsanitize-undefined-trap-on-error"
release_options="$few -Doptimization=2 -Db_ndebug=true $lines"
form=${long:+--long}
form=${form:---short}

list_lanes() { sed -n '/./s/^\([^ ]*\) *\(.*\)/\1\t\2/p' <<<"$lanes" | sort | expand -t 12; }
lane_names() { awk 'NF { print $1 }' <<<"$lanes"; }
is_lane() { awk 'NF { print $1 }' <<<"$lanes" | grep -qxF -- "$1"; }

# The explorer is compiled in its own way whatever the build, so once is enough; the sweep of failing
# calls has a lane of its own.
all_tests='--no-suite canary --no-suite house --no-suite install --no-suite explore --no-suite faults'
# The same tests once more, with injected back-offs: one lane is enough but for the long form.
plain_tests=$all_tests
[ -n "$long" ] || plain_tests="$plain_tests --no-suite inject"

# The counters are of this run alone.  Stress is here for the branches that need two threads.
lane_debug() {
	use_fast_linker
	run_step debug build build debug 'lockset reservation inject stress -tool-runs canary-debug' \
		$debug_options || return
	find "$out/debug" -name '*.gcda' -delete
	WWR_TEST_SHORT=1 run_tests debug debug 1 \
		'--suite lockset --suite reservation --suite inject --suite stress --no-suite tool-runs'
	run_rows debug "$top/tools/lib/coverage.py" "$top" "$out/debug"
}

lane_release() {
	run_step release build build release 'tests canary-release' $release_options || return
	run_tests release release 1 "$plain_tests"
}

# In the short form random tests have fewer rounds here, and under one of the ThreadSanitizers: the
# other lanes run them in full.
lane_asan() {
	local suites='tests canary-asan'

	use_fast_linker
	if [ -z "$long" ]; then
		export WWR_TEST_SHORT=1
		# The lane fuzz does the same with clang's address sanitizer.
		suites="$suites -fuzz"
		plain_tests="$plain_tests --no-suite fuzz"
	fi
	run_step asan build build asan "$suites" $asan_options || return
	# What the sanitizer makes slow is no measurement.
	[ -n "$long" ] || plain_tests="$plain_tests --no-suite bench"
	run_tests asan asan 4 "$plain_tests" "$top/tools/lib/sanitize-wrap"
}

# Only programs with a main of their own: Criterion does not start under ThreadSanitizer.
tsan() {
	local lane=$1 build_suites=$2 test_suites=$3

	use_plain_layout
	run_step "$lane" build build "$lane" "$build_suites canary-tsan" -Doptimization=1 \
		-Db_sanitize=thread -Db_lundef=false -Dbench_cpp=disabled $few $lines || return
	TSAN_OPTIONS=halt_on_error=1:abort_on_error=1 run_tests "$lane" "$lane" 4 "$test_suites"
}
lane_tsan_gcc() { tsan tsan-gcc stress '--suite stress'; }
# The tool runs under one of the two, but for the long form.
lane_tsan_clang() {
	export CC=clang-14 CXX=clang++-14
	if [ -n "$long" ]; then
		tsan tsan-clang stress '--suite stress'
	else
		export WWR_TEST_SHORT=1
		tsan tsan-clang 'stress -tool-runs' '--suite stress --no-suite tool-runs'
	fi
}

# Only programs that call nothing but libc: what other libraries write is not seen.
lane_msan() {
	use_plain_layout
	export CC=clang-14 CXX=clang++-14
	run_step msan build build msan 'stress -tool-runs canary-msan' -Doptimization=1 -Db_sanitize=memory \
		-Db_lundef=false $few $lines || return
	MSAN_OPTIONS=halt_on_error=1 run_tests msan msan 4 '--suite stress --no-suite tool-runs'
}

# Everything, tests and examples too; tests take locks on purpose in ways that the analysis of
# threads does not follow, so that one is for the rest.
lane_clang() {
	export CC=clang-14 CXX=clang++-14
	run_step clang configure configure "$out/clang" -Dwerror=true || return
	run_rows clang "$top/tools/lib/syntax.py" "$out/clang" "$jobs"
	run_step clang canary "$top/tests/house/clang_finds.sh" "$top"
}

lane_explore() {
	run_step explore build build release explore \
		$release_options || return
	run_rows explore "$top/tests/explore/table.py" "$out/release/tests/explore/explore" "$jobs" "$form"
}

lane_planted() { run_rows planted "$top/tests/planted/run" "$form" --table-row; }

lane_fuzz() { run_rows fuzz "$top/tests/fuzz/run" "$form" -j "$jobs" --table-row --both; }

lane_models() { run_rows models "$top/tests/model/run" "$form" -j "$jobs" --table-row; }
lane_weak() { run_rows weak "$top/tests/weak/run" "$form" --table-row; }
lane_faults() { run_rows faults "$top/tests/faults/run" "$form" --table-row; }

# tests/house/ holds their canaries too.
lane_house() {
	run_step house build build release all $release_options || return
	meson_test house release --suite house
}

lane_install() {
	run_step install build build release all $release_options || return
	meson_test install release --suite install
}

lane_valgrind() {
	local which='--suite stress'

	run_step valgrind build build release 'stress canary-valgrind' $release_options || return
	run_step valgrind preload cc -shared -fPIC -O1 -D_GNU_SOURCE -o "$out/futex_wake.so" \
		"$top/tests/lib/futex_wake.c" || return
	# What is slower by far has fewer rounds, in the long form too.  Of the tool's runs there are
	# few in the short one.
	[ -n "$long" ] || export WWR_TEST_SHORT=1
	unset WWR_TEST_LONG
	[ -n "$long" ] || which="$which --no-suite tool-runs-more"
	WWR_TEST_PRELOAD=$out/futex_wake.so run_tests valgrind release 10 "$which" \
		"$top/tools/lib/valgrind-wrap"
}

# write_symbols: the lists in tests/house/.
write_symbols() {
	local name lib

	build symbols '' -Dtests=false >"$out/symbols.log" 2>&1 || return
	for name in wwresv wwresv-drm wwresv-shim; do
		lib=$(find "$out/symbols" -name "lib$name.so")
		"$top/tests/house/symbols.sh" --print "$lib" >"$top/tests/house/$name.symbols" || return
		say "wrote tests/house/$name.symbols"
	done
}
