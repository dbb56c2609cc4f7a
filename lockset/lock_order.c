/* SPDX-License-Identifier: MIT */
/* The order of locks, checked.  Invariant: held[] has growing ranks. */
#include "lockset/lock_order.h"

#include "lockset/thread.h"
#include "lockset/usage.h"

#ifndef NDEBUG
static const char *const names[LOCK_NUM_RANKS] = {
    [RANK_SYNCHRONIZE] = "SYNCHRONIZE",
    [RANK_SYNC_FILES] = "SYNC_FILES",
    [RANK_MEMORY] = "MEMORY",
    [RANK_SYNCOBJ] = "SYNCOBJ",
    [RANK_TIMELINE] = "TIMELINE",
    [RANK_TABLE] = "TABLE",
    [RANK_CHAIN] = "CHAIN",
    [RANK_CELL_CHUNKS] = "CELL_CHUNKS",
    [RANK_CELL_POOL] = "CELL_POOL",
    [RANK_FENCE_CACHES] = "FENCE_CACHES",
    [RANK_FENCE_POOL] = "FENCE_POOL",
    [RANK_TRACK_ROW] = "TRACK_ROW",
    [RANK_THREADS] = "THREADS",
    [RANK_MUTEX] = "MUTEX",
};

void lock_order_enter(const uint32_t *lock, enum lock_rank rank)
{
	struct lock_order *order = &thread_self()->order;

	if (order->num > 0) {
		enum lock_rank last = order->held[order->num - 1].rank;

		WWR_USAGE(
		    last < rank,
		    "lock order: %s lock %p is taken inside of %s lock %p, see docs/locking.md",
		    names[rank], (const void *)lock, names[last],
		    (const void *)order->held[order->num - 1].lock);
	}
	order->held[order->num].lock = lock;
	order->held[order->num++].rank = rank;
}

void lock_order_leave(const uint32_t *lock)
{
	struct lock_order *order = &thread_self()->order;
	uint32_t i = order->num;

	while (i > 0 && order->held[i - 1].lock != lock)
		i--;
	if (i == 0)
		return; /* taken without a rank */
	for (; i < order->num; i++)
		order->held[i - 1] = order->held[i];
	order->num--;
}

void lock_order_check_sleep(void)
{
	const struct lock_order *order = &thread_self()->order;

	WWR_USAGE(order->num == 0 || order->held[order->num - 1].rank == RANK_SYNCHRONIZE,
		  "lock order: the thread goes to sleep with %s lock %p held, see docs/locking.md",
		  names[order->held[order->num - 1].rank],
		  (const void *)order->held[order->num - 1].lock);
}
#endif
