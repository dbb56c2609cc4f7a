#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# symbols.sh LIBRARY LIST      the library exports exactly what the list says, all of it wwr_*
# symbols.sh --others LIBRARY LIST   the same, of names that are not ours: it stands before others
# symbols.sh --print LIBRARY   what it exports, for such a list
set -euo pipefail
export LC_ALL=C

exported() {
	nm -D --defined-only --format=posix "$1" | awk '$1 !~ /^(_init|_fini|_edata|_end|__bss_start)$/ { print $1 }' | sort
}

if [ "$1" = --print ]; then
	exported "$2"
	exit
fi
others=
[ "$1" != --others ] || { others=1; shift; }
if [ -z "$others" ] && exported "$1" | grep -v '^wwr_'; then
	echo 'the above are exported, but are not ours to name'
	exit 1
fi
if ! diff -u --label "$(basename "$2")" --label "$(basename "$1")" "$2" <(exported "$1"); then
	echo 'wanted? then write the lists anew: tools/check --update-symbols'
	exit 1
fi
[ -s "$2" ] || { echo "$2 is empty"; exit 1; }
