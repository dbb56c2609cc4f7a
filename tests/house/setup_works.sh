#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# setup_works.sh ROOT: how the two commands set up a machine, with an apt-get that only pretends.
set -euo pipefail

root=$1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
fail() {
	[ ! -e "$work/log" ] || cat "$work/log"
	echo "$1"
	exit 1
}

# A system that has only these, and no apt.
mkdir "$work/bare"
for tool in bash sh cat id dirname readlink realpath nproc mkdir flock uname sed awk grep env; do
	ln -s "$(command -v $tool)" "$work/bare/$tool"
done
for command in demo check; do
	if env -i PATH="$work/bare" "$root/tools/$command" >"$work/log" 2>&1; then
		fail "tools/$command passes where nothing is installed"
	fi
	for package in meson ninja-build libjansson-dev; do
		grep -qw "$package" "$work/log" || fail "tools/$command does not name $package"
	done
done

# A system where one thing is missing until apt-get "installs" it.
mkdir "$work/apt"
cat >"$work/apt/apt-get" <<-EOF
	#!/bin/sh
	echo "apt-get \$* (\$DEBIAN_FRONTEND)" >>"$work/calls"
	case "\$*" in *install*) touch "$work/installed" ;; esac
EOF
printf '#!/bin/sh\nexec "$@"\n' >"$work/apt/sudo"
chmod +x "$work/apt/"*
ensure() {
	# shellcheck disable=SC2016 # the inner shell expands it
	PATH=$work/apt:$PATH bash -c '. "$0/tools/lib/setup.sh"; ensure_packages "$1"' "$root" \
		"test -e $work/installed|some-package
test -d /|other-package" >"$work/log" 2>&1
}
ensure || fail 'a missing package is not installed'
grep -q 'install.* some-package.*(noninteractive)' "$work/calls" || fail 'it installs otherwise'
! grep -q other-package "$work/calls" || fail 'it installs what is there'
: >"$work/calls"
ensure || fail 'a second run fails'
[ ! -s "$work/calls" ] || fail 'a second run calls apt-get again'

# An installation that does not help.
rm "$work/installed"
sed -i 's/touch .*;;/true ;;/' "$work/apt/apt-get"
if ensure; then fail 'a package that is still missing goes unnoticed'; fi
grep -q 'still missing.*some-package' "$work/log" || fail 'it does not say what is still missing'

# The command line, from another folder and through a link.
ln -s "$root/tools/check" "$work/link"
cd /
"$work/link" --list | grep -q '^valgrind' || fail 'no list of lanes'
"$work/link" --help | grep -q -- '--table FILE' || fail 'no help'
for wrong in '--lane nonsense' '--lane' '--nonsense' '-j x'; do
	status=0
	# shellcheck disable=SC2086 # an option and its argument
	"$work/link" $wrong >"$work/log" 2>&1 || status=$?
	[ "$status" -eq 2 ] || fail "tools/check $wrong: status $status, not 2"
done
