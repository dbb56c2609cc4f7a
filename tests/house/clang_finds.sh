#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# clang_finds.sh ROOT: what the clang lane promises to find, it finds.
set -euo pipefail

root=$1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
# compiles: the program on stdin does.
compiles() {
	cat >"$work/a.c"
	clang-check-14 "$work/a.c" -- -std=gnu11 -Wdocumentation -Wthread-safety -Werror \
		-I "$root/include" 2>"$work/log"
}
must_compile() { compiles || { cat "$work/log"; exit 1; }; }
must_find() {
	if compiles; then
		echo "clang did not find: $1"
		exit 1
	fi
}

must_compile <<'C'
#include <wwresv/mutex.h>
/**
 * Twice.
 *
 * @param number of something
 */
int twice(int number);
void lock_and_unlock(struct wwr_mutex *mutex);
void lock_and_unlock(struct wwr_mutex *mutex)
{
	if (wwr_mutex_lock(mutex, 0) != 0)
		return;
	wwr_mutex_assert_held(mutex);
	wwr_mutex_unlock(mutex);
}
C
must_find 'a parameter that does not exist' <<'C'
/**
 * Twice.
 *
 * @param numbr of something
 */
int twice(int number);
C
must_find 'an unlock without a lock' <<'C'
#include <wwresv/mutex.h>
void unlock_only(struct wwr_mutex *mutex);
void unlock_only(struct wwr_mutex *mutex)
{
	wwr_mutex_unlock(mutex);
}
C
must_find 'a lock that is still held at the end' <<'C'
#include <wwresv/mutex.h>
void lock_only(struct wwr_mutex *mutex);
void lock_only(struct wwr_mutex *mutex)
{
	if (wwr_mutex_lock(mutex, 0) != 0)
		return;
}
C
