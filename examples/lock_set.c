/* SPDX-License-Identifier: MIT */
/*
 * Two accounts, transfers in both directions at once: each transfer locks both, in the order it
 * happens to think of them.  First with callbacks, then as a loop.
 */
#include <wwresv/lockset.h>

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#define NUM_TRANSFERS 10000
#define OPENING	      1000

struct account {
	struct wwr_mutex mutex;
	long balance; /* under mutex */
};

struct transfer {
	struct account *from, *to;
	long amount;
};

static struct wwr_class account_class = WWR_CLASS_INIT("account", WWR_WOUND_WAIT);
static struct account alice = {WWR_MUTEX_INIT(&account_class), OPENING};
static struct account bob = {WWR_MUTEX_INIT(&account_class), OPENING};

static int add_amount(struct wwr_mutex *mutex, void *arg)
{
	WWR_CONTAINER_OF(mutex, struct account, mutex)->balance += *(long *)arg;
	return 0;
}

/* The callbacks.  This one locks what the transfer needs, and runs again after a back-off. */
static int acquire(struct wwr_lock_set *set, void *arg)
{
	const struct transfer *transfer = arg;
	int ret = wwr_lock_set_lock(set, &transfer->from->mutex);

	return ret != 0 ? ret : wwr_lock_set_lock(set, &transfer->to->mutex);
}

/* This one runs once, with every lock held. */
static int locked(struct wwr_lock_set *set, void *arg)
{
	const struct transfer *transfer = arg;
	long amount = transfer->amount;
	long minus = -amount;
	int ret = wwr_lock_set_with_locked(set, &transfer->from->mutex, add_amount, &minus);

	return ret != 0 ? ret
			: wwr_lock_set_with_locked(set, &transfer->to->mutex, add_amount, &amount);
}

static int transfer_by_callbacks(struct wwr_lock_set *set, struct transfer *transfer)
{
	return wwr_lock_set_lock_all(set, acquire, locked, transfer);
}

/* The same as a loop.  The body runs again after a back-off; `continue` ends an attempt. */
static int transfer_by_loop(struct wwr_lock_set *set, const struct transfer *transfer)
{
	wwr_lock_set_until_all_locked (set) {
		if (wwr_lock_set_lock(set, &transfer->from->mutex) != 0)
			continue;
		if (wwr_lock_set_lock(set, &transfer->to->mutex) != 0)
			continue;
	}
	if (wwr_lock_set_status(set) != 0)
		return wwr_lock_set_status(set);
	transfer->from->balance -= transfer->amount;
	transfer->to->balance += transfer->amount;
	wwr_lock_set_release_all(set);
	return 0;
}

static void *run_transfers(void *arg)
{
	struct transfer *transfer = arg;
	struct wwr_lock_set set;
	int ret = wwr_lock_set_init(&set, &account_class, NULL);

	if (ret != 0)
		return (void *)(intptr_t)ret;
	for (int i = 0; i < NUM_TRANSFERS && ret == 0; i++) {
		ret = i % 2 == 0 ? transfer_by_callbacks(&set, transfer)
				 : transfer_by_loop(&set, transfer);
	}
	wwr_lock_set_fini(&set);
	return (void *)(intptr_t)ret;
}

int main(void)
{
	struct transfer there = {&alice, &bob, 3};
	struct transfer back = {&bob, &alice, 2};
	pthread_t thread;
	void *result_there, *result_back;

	if (pthread_create(&thread, NULL, run_transfers, &there) != 0)
		return EXIT_FAILURE;
	result_back = run_transfers(&back);
	pthread_join(thread, &result_there);

	printf("alice %ld, bob %ld\n", alice.balance, bob.balance);
	if (result_there != NULL || result_back != NULL)
		return EXIT_FAILURE;
	return alice.balance == OPENING - NUM_TRANSFERS && bob.balance == OPENING + NUM_TRANSFERS
		   ? EXIT_SUCCESS
		   : EXIT_FAILURE;
}
