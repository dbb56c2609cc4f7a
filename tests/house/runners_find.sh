#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# runners_find.sh ROOT: the programs between a tool and the rows of tools/check pass nothing on as
# good that is not.
set -uo pipefail

root=$1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 2

# says STATUS PATTERN COMMAND...: the command's status and, of its rows, one.
says() {
	local status=$1 pattern=$2 got=0
	shift 2

	"$@" >rows 2>log || got=$?
	if [ "$got" -ne "$status" ] || ! grep -qP "^$pattern\$" rows; then
		cat log rows
		echo "not: status $status and $pattern, but status $got: $*"
		exit 1
	fi
}

# An explorer that only pretends.
explorer() {
	cat >explore <<-EOT
		#!/bin/sh
		[ "\$1" = --list ] && printf 'one  first\ntwo  second\n' && exit
		echo "\$2  $1  99  12  0.5  100$2"
		exit $3
	EOT
	chmod +x explore
}
table() { says "$1" "$2" "$root/tests/explore/table.py" ./explore 2 --short; }
explorer 600000 '' 0
table 0 'schedules\t1200000\t1000000\t0\t[\d.]+'
table 0 'schedules/two\t600000\t50000\t0\t[\d.]+'
explorer 600000 '  VIOLATION' 1
table 1 'schedules/one\t600000\t50000\t1\t[\d.]+'
table 1 'schedules\t1200000\t1000000\t2\t[\d.]+'
explorer 600000 '' 134
table 1 'schedules/one\t600000\t50000\t1\t[\d.]+'
explorer 499999 '' 0
table 1 'schedules\t999998\t1000000\t0\t[\d.]+'
explorer nothing '' 0
table 1 'schedules/one\t0\t50000\t0\t[\d.]+'

# A folder as meson configures it, of two files.
mkdir clang tests
: >clang/build.ninja
echo 'int good(void); int good(void) { return 1; }' >good.c
cp good.c tests/test.c
entry() {
	printf '{"directory": "%s", "file": "%s", "command": "clang-14 -Wall -o x.o -c %s"}' "$work" "$1" "$1"
}
echo "[$(entry "$work/good.c"), $(entry "$work/tests/test.c")]" >clang/compile_commands.json
syntax() { says "$1" "$2" "$root/tools/lib/syntax.py" clang 2; }
syntax 0 'clang/files\t2\t2\t0\t[\d.]+'
echo 'static int unused(void) { return 1; }' >>tests/test.c
syntax 1 'clang/files\t2\t2\t1\t[\d.]+'
echo 'int f(' >>good.c
syntax 1 'clang/files\t2\t2\t2\t[\d.]+'

# A library of two branches, of which one run takes one and the next both.
mkdir -p tree/lockset tree/reservation tree/docs tree/build
printf '#include <assert.h>\nint f(int a);\nint f(int a)\n{\n\tassert(a > 0 &&\n\t       a < 99);\n\tif (a > 1)\n\t\treturn 2;\n\treturn 1;\n}\n' >tree/lockset/a.c
printf 'int f(int a);\nint main(int argc, char **argv)\n{\n\t(void)argv;\n\treturn argc > 2 ? f(9) : argc ? f(argc) - 1 : 0;\n}\n' \
	>tree/reservation/b.c
for file in lockset/a reservation/b; do
	(cd tree/build && gcc --coverage -c "../$file.c" -o "${file#*/}.o") || exit 2
done
gcc --coverage tree/build/*.o -o program || exit 2
coverage() { says "$1" "$2" "$root/tools/lib/coverage.py" "$work/tree" "$work/tree/build"; }
./program
: >tree/docs/coverage.md
coverage 1 'coverage/lockset\t50.0\t95\t1\t[\d.]+'
# shellcheck disable=SC2016 # backquotes of the document
printf -- '- `lockset/a.c`: `if (a > 1)`: nobody asks\n' >tree/docs/coverage.md
coverage 1 'coverage/lockset\t50.0\t95\t0\t[\d.]+'
./program 2
coverage 1 'coverage/lockset\t100.0\t95\t0\t[\d.]+'
coverage 1 'coverage/reservation\t[\d.]+\t95\t0\t[\d.]+'

# A bound that the model does not meet, in both ways, and one that no search is for.
if command -v spin >/dev/null; then
	cp -r "$root/tests/model" model
	model() {
		sed -Ei "s/(WD_CONTEXTS_2X2)\>.*/\1 $3/" model/bounds.h
		says "$1" "$2" model/run --short --table-row --only 'lockset, wait-die, 2x2, contexts'
	}
	model 0 'models 2x2\t1\t1\t0\t[\d.]+' 2
	model 1 'models 2x2\t0\t1\t1\t[\d.]+' 1
	model 1 'models 2x2\t0\t1\t1\t[\d.]+' 3
	echo '#define WD_CONTEXTS_9X9 3' >>model/bounds.h
	says 1 'Bail out! .*WD_CONTEXTS_9X9' model/run --short
fi

# An order that nothing needs and nobody lists, and one that is listed but needed.
if [ -e /usr/include/relacy/relacy.hpp ]; then
	mkdir -p orders/tests
	ln -s "$root/lockset" "$root/include" orders
	cp -r "$root/tests/weak" orders/tests
	sed -i '/waiter_dies/d' orders/tests/weak/spare
	echo 'park.c wait_unlock exchange: release -> relaxed : nobody cares' >>orders/tests/weak/spare
	says 1 'weak/orders\t0\t1\t2\t[\d.]+' orders/tests/weak/run --schedules=2000 --table-row \
		waiter_dies wait_unlock
fi
