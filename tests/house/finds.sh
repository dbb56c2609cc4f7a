#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# finds.sh CHECK ROOT: source.sh must find a defect planted in a copy of the tree: a check that
# cannot fail proves nothing.
set -euo pipefail

check=$1
root=$2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
tree=$work/tree
mkdir "$tree"
cd "$tree"
mkdir -p include/wwresv lockset reservation drivers tools tests examples

# must_find WHAT: source.sh fails on the tree as it stands now.
must_find() {
	if "$root/tests/house/source.sh" "$check" "$tree" >../found 2>&1; then
		echo "$check did not find: $1"
		exit 1
	fi
}
must_pass() {
	"$root/tests/house/source.sh" "$check" "$tree" >../found 2>&1 || {
		cat ../found
		echo "$check finds something in a good tree"
		exit 1
	}
}

spdx='/* SPDX-License-Identifier: MIT */'
printf '%s\nint good;\n' "$spdx" >lockset/good.c
printf '%s\n#include <wwresv/mutex.h>\n#include "lockset/park.h"\n' "$spdx" >reservation/good.c
cp "$root/.clang-format" .

case $check in
layers)
	must_pass
	echo '#include "reservation/resv.h"' >lockset/bad.c
	must_find 'a folder included from below'
	echo '#include "../drivers/mock/mock.h"' >lockset/bad.c
	must_find 'the same by a relative path'
	echo '# include <wwresv/fence.h>' >lockset/bad.c
	must_find 'a public header of a higher layer'
	rm lockset/bad.c
	echo '#include <wwresv/resv.h>' >include/wwresv/mutex.h
	must_find 'a public header that includes up'
	echo '#include <wwresv/mutex.h>' >include/wwresv/unheard_of.h
	must_find 'a public header without a layer'
	rm include/wwresv/*.h
	must_pass
	mkdir shim
	echo 'int bad;' >shim/bad.c
	must_find 'a folder without a layer'
	rm -r shim
	mkdir include/other
	echo 'int bad;' >include/other/bad.h
	must_find 'public headers of another name'
	rm -r include/other
	echo '#include "shim/bad.h"' >lockset/bad.c
	must_find 'an include from a folder without a layer'
	echo '#include "tests/lib/test_env.h"' >lockset/bad.c
	must_find 'an include of a test'
	echo '#include "own.h"' >lockset/bad.c
	must_find 'an include of nothing'
	echo 'int own;' >lockset/own.h
	must_pass
	;;
patches)
	mkdir -p tests/planted
	printf -- '--- a/lockset/good.c\n+++ b/lockset/good.c\n@@ -2 +2 @@\n-int good;\n+int bad;\n' \
		>tests/planted/one.patch
	must_pass
	echo 'int better;' >lockset/good.c
	must_find 'a patch of what has changed since'
	printf '%s\nint good;\nint other;\n' "$spdx" >lockset/good.c
	sed -i 's/^@@.*/@@ -1,3 +1,3 @@\n before/; $a\ int other;' tests/planted/one.patch
	must_find 'a patch that fits only about'
	rm tests/planted/one.patch
	must_find 'no patch at all'
	;;
headers)
	echo 'typedef struct s { int class_; } s;' >include/wwresv/one.h
	must_find 'a header without a guard'
	printf '#pragma GCC system_header\n#ifndef H\n#define H\nint *class;\n#endif\n' \
		>include/wwresv/one.h
	must_find 'a C++ keyword'
	printf '#ifndef H\n#define H\nsize_t f(void);\n#endif\n' >include/wwresv/one.h
	must_find 'a header that needs another before it'
	printf '#ifndef H\n#define H\nint f(void);\n#endif\n' >include/wwresv/one.h
	must_pass
	;;
fences)
	must_pass
	echo 'void f(void) { __atomic_thread_fence(5); }' >lockset/bad.c
	must_find 'a stand-alone fence'
	;;
sleeps)
	must_pass
	echo 'void f(void) { usleep(10); }' >tests/bad.c
	must_find 'a sleep in a test'
	;;
length)
	must_pass
	seq 501 >tools/bad.c
	must_find 'a file of 501 lines'
	;;
unfinished)
	must_pass
	printf '/* TO%s */\n' DO >drivers/bad.c
	must_find 'an unfinished place'
	;;
suppressions)
	must_pass
	: >tools/lsan.supp
	must_find 'a file of suppressions'
	rm tools/lsan.supp
	echo "export TSAN_OPTIONS=suppress""ions=list" >tools/wrap
	must_find 'a list of suppressions by another name'
	;;
licence)
	must_pass
	echo 'int bad;' >drivers/bad.c
	must_find 'a file without a licence line'
	;;
covered)
	must_pass
	echo 'int wwr_thing_do(int n);' >include/wwresv/thing.h
	must_find 'a function that no test names'
	echo 'wwr_thing_do_more();' >tests/test_thing.c
	must_find 'one whose name another begins with'
	echo 'wwr_thing_do();' >examples/thing.c
	must_pass
	;;
mapped)
	mkdir docs
	echo 'int wwr_thing_do(int n);' >include/wwresv/thing.h
	touch docs/kernel-map.md
	must_find 'a function that the map does not name'
	echo '| thing_do | wwr_thing_do_more |' >docs/kernel-map.md
	must_find 'a function of which it names a longer one'
	echo '| thing_do | wwr_thing_do |' >docs/kernel-map.md
	must_pass
	echo '| other_do | wwr_other_do |' >>docs/kernel-map.md
	must_find 'a name in the map that is nowhere'
	echo '| things | wwr_thing_* |' >docs/kernel-map.md
	must_pass
	echo '| others | wwr_other_* |' >>docs/kernel-map.md
	must_find 'a pattern for nothing'
	;;
documented)
	doc='@retval 0 done\n * @par Thread safety\n * Any.\n * @par Kernel counterpart\n * none'
	printf '/**\n * Do.\n * %b\n */\nWWR_API WWR_MUST_CHECK int wwr_do(int n);\n' "$doc" \
		>include/wwresv/do.h
	must_pass
	for said in '@retval' '@par Thread' '@par Kernel'; do
		grep -v "$said" include/wwresv/do.h >include/wwresv/less.h
		must_find "a function without its $said"
	done
	rm include/wwresv/less.h
	printf '\nWWR_API void\nwwr_undo(int n);\n' >>include/wwresv/do.h
	must_find 'a function without a comment'
	;;
format)
	must_pass
	echo 'int  f( void ){return 0;}' >drivers/bad.c
	must_find 'bad format'
	;;
shell)
	printf '#!/bin/sh\necho "%s1"\n' '$' >tools/good
	must_pass
	printf '#!/bin/sh\nrm -r %s1/x\n' '$' >tools/bad
	must_find 'a name that is split at blanks'
	rm tools/bad
	mkdir tools/lib
	printf 'rm -r %s1/x\n' '$' >tools/lib/bad.sh
	must_pass
	printf '#!/bin/sh\n. tools/lib/bad.sh\n' >tools/good
	must_find 'the same in a file that is sourced'
	;;
*)
	echo "no defect to plant for $check"
	exit 2
	;;
esac
