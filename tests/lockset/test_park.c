/* SPDX-License-Identifier: MIT */
/* Park words: when a sleep ends without having begun. */
#include "tests/lib/test_criterion.h"

#include "lockset/park.h"

#include <errno.h>

TestSuite(lockset_park, .timeout = 20);

/* The word as it was before somebody changed it, with a sleeper on it or without. */
static const uint32_t seen_values[] = {0, PARK_SLEEPING};

Test(lockset_park, sleep_on_a_changed_word_returns_at_once)
{
	for (int i = 0; i < 2; i++) {
		uint32_t word = PARK_STEP | seen_values[i];

		cr_expect_eq(park_sleep(&word, seen_values[i], PARK_FOREVER, false), 0);
		cr_expect_eq(park_sleep(&word, seen_values[i], INT64_MAX - 1, true), 0);
	}
}

/* A token's word may change at every turn: the deadline must be seen all the same. */
Test(lockset_park, sleep_on_a_changed_word_after_the_deadline_returns_etime)
{
	for (int i = 0; i < 2; i++) {
		uint32_t word = PARK_STEP | seen_values[i];

		cr_expect_eq(park_sleep(&word, seen_values[i], 0, false), -ETIME);
		cr_expect_eq(park_sleep(&word, seen_values[i], 1, false), -ETIME);
		cr_expect_eq(park_sleep(&word, seen_values[i], park_now_ns(), true), -ETIME);
		cr_expect_eq(word, PARK_STEP | seen_values[i]);
	}
}

Test(lockset_park, sleep_after_the_deadline_returns_etime)
{
	uint32_t word = 0;

	cr_expect_eq(park_sleep(&word, 0, park_now_ns(), false), -ETIME);
}
