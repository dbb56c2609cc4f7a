#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# symbols.sh must find a symbol too many, one too few, and a foreign name.
set -euo pipefail

root=$1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
echo 'int wwr_one(void); int wwr_one(void) { return 1; }' >"$work/lib.c"
gcc -shared -fPIC -o "$work/lib.so" "$work/lib.c"

echo wwr_one >"$work/list"
"$root/tests/house/symbols.sh" "$work/lib.so" "$work/list"
must_find() {
	if "$root/tests/house/symbols.sh" "$work/lib.so" "$work/list" >/dev/null; then
		echo "symbols.sh did not find: $1"
		exit 1
	fi
}
printf 'wwr_one\nwwr_two\n' >"$work/list"
must_find 'one too few'
: >"$work/list"
must_find 'one too many'
echo 'int one; int wwr_one; ' >"$work/lib.c"
gcc -shared -fPIC -o "$work/lib.so" "$work/lib.c"
printf 'one\nwwr_one\n' >"$work/list"
must_find 'a foreign name'
"$root/tests/house/symbols.sh" --others "$work/lib.so" "$work/list"
