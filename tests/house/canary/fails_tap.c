/* SPDX-License-Identifier: MIT */
/* Must fail in every lane: says "not ok", but leaves with status 0. */
#include "tests/lib/test_tap.h"

int main(void)
{
	tap_plan(2);
	tap_ok(true, "good");
	tap_ok(false, "bad on purpose");
	(void)tap_exit();
	return 0;
}
