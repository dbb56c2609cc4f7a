#!/bin/sh
# SPDX-License-Identifier: MIT
# breaks_dependency.sh WWRESV: must fail under ThreadSanitizer: a job that does not wait for the
# writer before it races with it on the buffer's bytes.  The tool's own check does not count here.
# The functions' names in the report would take long, and nobody reads them.
workload=W.1.64k,1.RCS.1.w1-0.0,2.BCS.1.w1-0.0,3.CCS.1.w1-0.0,4.VECS.1.w1-0.0
TSAN_OPTIONS="${TSAN_OPTIONS-}:symbolize=0"
export TSAN_OPTIONS

# Whether two jobs meet is chance; that none of hundreds do, five times over, is not.
for _ in 1 2 3 4 5; do
	"$1" submit "$workload" --clients 2 --repeat 20 --touch full --scale 0 \
		--break-dep write --quiet 2>&1 | grep 'ThreadSanitizer: data race' && exit 1
done
exit 0
