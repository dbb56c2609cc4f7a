/* SPDX-License-Identifier: MIT */
/* The commit log and what clients count. */
#include <stdlib.h>

#include "tests/lib/test_criterion.h"
#include "tools/submit/commit_log.h"
#include "tools/submit/stats.h"

TestSuite(submit_log, .timeout = 60);

#define NUM_LOGS    7
#define NUM_COMMITS 3000

static struct commit_log logs[NUM_LOGS];
static const struct commit_log *all_logs[NUM_LOGS];

static void setup_logs(void)
{
	for (size_t i = 0; i < NUM_LOGS; i++)
		all_logs[i] = &logs[i];
}

static void free_logs(void)
{
	for (size_t i = 0; i < NUM_LOGS; i++)
		commit_log_fini(&logs[i]);
}

Test(submit_log, order_of_nothing_is_empty)
{
	struct commit_order order;
	uint32_t log;

	setup_logs();
	cr_assert_eq(commit_order_begin(&order, all_logs, NUM_LOGS), 0);
	cr_assert_null(commit_order_next(&order, &log));
	commit_order_end(&order);
}

Test(submit_log, order_of_random_logs_is_that_of_commits)
{
	static uint32_t owners[NUM_COMMITS];
	const struct commit_entry *entry;
	struct commit_order order;
	uint64_t state = test_seed();
	uint32_t log;

	setup_logs();
	for (uint32_t i = 0; i < NUM_COMMITS; i++) {
		/* The last log stays empty. */
		owners[i] = (uint32_t)(test_random(&state) % (NUM_LOGS - 1));
		cr_assert_eq(commit_log_reserve(&logs[owners[i]]), 0);
		commit_log_add(&logs[owners[i]], i, i % 11, i % 13);
	}
	cr_assert_eq(commit_order_begin(&order, all_logs, NUM_LOGS), 0);
	for (uint32_t i = 0; i < NUM_COMMITS; i++) {
		entry = commit_order_next(&order, &log);
		cr_assert_not_null(entry);
		cr_assert_eq(entry->commit, i);
		cr_assert_eq(log, owners[i]);
		cr_assert_eq(entry->step, i % 11);
		cr_assert_eq(commit_entry_loop(entry), i % 13);
	}
	cr_assert_null(commit_order_next(&order, &log));
	commit_order_end(&order);
	free_logs();
}

Test(submit_log, cancelled_entry_keeps_its_loop)
{
	struct commit_entry *entry;

	cr_assert_eq(commit_log_reserve(&logs[0]), 0);
	entry = &logs[0].entries[commit_log_add(&logs[0], 5, 6, 0x3fffffff)];
	cr_assert(!commit_entry_is_cancelled(entry));
	entry->loop_and_flags |= COMMIT_CANCELLED;
	cr_assert(commit_entry_is_cancelled(entry));
	cr_assert_eq(commit_entry_loop(entry), 0x3fffffff);
	cr_assert_leq(sizeof(*entry), 24);
	free_logs();
}

Test(submit_log, size_quantiles_are_exact_and_by_nearest_rank)
{
	struct stats stats;

	cr_assert_eq(stats_init(&stats, 200), 0);
	cr_expect_eq(stats_size_quantile(&stats, 0.5), 0);
	stats.sizes[10] = 2;
	stats.sizes[150] = 2;
	stats.sizes[200] = 1;
	stats.num_committed = 5;
	cr_expect_eq(stats_size_quantile(&stats, 0), 10);
	cr_expect_eq(stats_size_quantile(&stats, 0.4), 10);
	cr_expect_eq(stats_size_quantile(&stats, 0.5), 150);
	cr_expect_eq(stats_size_quantile(&stats, 0.8), 150);
	cr_expect_eq(stats_size_quantile(&stats, 1), 200);
	stats_fini(&stats);
}

Test(submit_log, sum_of_stats_adds_counts_and_keeps_the_largest)
{
	struct stats a, b;

	cr_assert_eq(stats_init(&a, 3), 0);
	cr_assert_eq(stats_init(&b, 3), 0);
	a.num_submitted = 2;
	b.num_submitted = 3;
	a.max_losses = 8;
	b.max_losses = 1;
	b.sizes[3] = 4;
	stats_count_retries(&a, 0);
	stats_count_retries(&b, 5);
	stats_count_retries(&b, STATS_MAX_RETRIES + 7);
	stats_add(&a, &b);
	cr_expect_eq(a.num_submitted, 5);
	cr_expect_eq(a.max_losses, 8);
	cr_expect_eq(a.sizes[3], 4);
	cr_expect_eq(a.retries[0], 1);
	cr_expect_eq(a.retries[5], 1);
	cr_expect_eq(a.retries[STATS_MAX_RETRIES], 1);
	cr_expect_eq(a.max_retries, STATS_MAX_RETRIES + 7);
	stats_fini(&a);
	stats_fini(&b);
}
