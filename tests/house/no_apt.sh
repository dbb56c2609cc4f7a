#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# no_apt.sh ROOT: where packages are missing and there is no apt, both commands name them and fail.
set -euo pipefail

root=$1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
# A system that has only these.
for tool in bash sh cat id dirname readlink realpath nproc mkdir flock uname sed awk grep env; do
	ln -s "$(command -v $tool)" "$work/$tool"
done

for command in demo check; do
	if env -i PATH="$work" "$root/tools/$command" >"$work/log" 2>&1; then
		echo "tools/$command passes where nothing is installed"
		exit 1
	fi
	for package in meson ninja-build libjansson-dev; do
		grep -qw "$package" "$work/log" || {
			cat "$work/log"
			echo "tools/$command does not name $package"
			exit 1
		}
	done
done
