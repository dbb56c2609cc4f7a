#!/bin/sh
# SPDX-License-Identifier: MIT
# breaks_dependency.sh WWRESV: must fail under ThreadSanitizer: a job that does not wait for the
# writer before it races with it on the buffer's bytes.  The tool's own check does not count here.
if "$1" submit shared-set --clients 4 --touch full --scale 0 --break-dep write --quiet 2>&1 |
	grep 'ThreadSanitizer: data race'; then
	exit 1
fi
