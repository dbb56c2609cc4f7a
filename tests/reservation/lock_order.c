/* SPDX-License-Identifier: MIT */
/*
 * The legal order of locks, as a program that runs before the other tests: every wait lock in its
 * order, and then the calls that take one inside another, or inside of locked mutexes.  In debug
 * builds the library stops with both names where the order is broken.
 */
#include "tests/lib/test_tap.h"

#include "lockset/park.h"

#include <wwresv/dma_buf.h>
#include <wwresv/fence.h>
#include <wwresv/fence_pool.h>
#include <wwresv/lock_set.h>
#include <wwresv/resv.h>
#include <wwresv/sync_file.h>
#include <wwresv/sync_timeline.h>
#include <wwresv/syncobj.h>
#include <wwresv/sys/debug.h>

#include <pthread.h>
#include <sched.h>
#include <sys/wait.h>
#include <unistd.h>

#define NUM_FENCES 200 /* more than there are cells at first */

static const char *a_name(const struct wwr_fence *fence)
{
	(void)fence;
	return "order";
}

static const struct wwr_fence_ops ops = {
    .driver_name = a_name,
    .timeline_name = a_name,
};

static struct wwr_resv resvs[2];
static struct wwr_sync_timeline *timeline;
static struct wwr_fence_pool *pool;

static bool take_all_ranks(void)
{
	uint32_t locks[LOCK_NUM_RANKS] = {0};

	for (int i = 0; i < LOCK_NUM_RANKS; i++)
		wait_lock_ranked(&locks[i], (enum lock_rank)i);
	for (int i = 0; i < LOCK_NUM_RANKS; i++)
		wait_unlock(&locks[i]);
	return true;
}

/* SYNC_FILES, MEMORY and SYNCOBJ; TIMELINE and CHAIN when they signal. */
static bool use_clients_objects(void)
{
	struct wwr_syncobj *syncobj = NULL;
	struct wwr_fence *fence = NULL;
	int fd = -1, buf_fd = -1, other_fd = -1;
	uint64_t point = 0;
	bool ok;

	ok = wwr_syncobj_create(0, &syncobj) == 0;
	for (uint64_t i = 1; ok && i <= 3; i++) {
		ok = wwr_sync_timeline_create_fence(timeline, i, NULL, &fence) == 0 &&
		     wwr_syncobj_add_point(syncobj, i, fence) == 0;
		wwr_fence_put(fence);
	}
	ok = ok && wwr_syncobj_export_sync_file(syncobj, 2, &fd) == 0 &&
	     wwr_dma_buf_create(4096, NULL, &buf_fd) == 0 &&
	     wwr_dma_buf_import_sync_file(buf_fd, WWR_DMA_BUF_WRITE, fd) == 0 &&
	     wwr_dma_buf_export_sync_file(buf_fd, WWR_DMA_BUF_READ, &other_fd) == 0;
	wwr_sync_timeline_inc(timeline, 3);
	ok = ok && wwr_syncobj_query(1, &syncobj, 0, &point) == 0 && point == 3;
	close(fd);
	close(buf_fd);
	close(other_fd);
	(void)wwr_sync_file_collect();
	(void)wwr_dma_buf_collect();
	wwr_syncobj_put(syncobj);
	return ok;
}

/* Both mutexes, and in them TABLE, CELL_CHUNKS and CELL_POOL; FENCE_CACHES and FENCE_POOL. */
static bool use_reservations(void)
{
	static struct wwr_fence *fences[NUM_FENCES];
	struct wwr_lock_set set;
	bool ok;

	ok = wwr_lock_set_init(&set, wwr_default_class(), NULL) == 0 &&
	     wwr_lock_set_lock(&set, &resvs[0].mutex) == 0 &&
	     wwr_lock_set_lock(&set, &resvs[1].mutex) == 0 &&
	     wwr_resv_reserve_fences(&resvs[0], NUM_FENCES) == 0;
	for (unsigned int i = 0; ok && i < NUM_FENCES; i++) {
		fences[i] = wwr_fence_pool_alloc(pool, 1 + i, 1);
		ok = fences[i] != NULL &&
		     wwr_resv_add_fence(&resvs[0], fences[i], WWR_RESV_USAGE_WRITE) == 0;
	}
	ok = ok && wwr_resv_copy_fences(&resvs[1], &resvs[0]) == 0;
	ok = ok && wwr_resv_wait_until(&resvs[1], WWR_RESV_USAGE_READ, NULL, 0) != 0;
	for (unsigned int i = 0; ok && i < NUM_FENCES; i++)
		ok = wwr_fence_signal(fences[i]) == 0;
	ok = ok && wwr_resv_wait_until(&resvs[1], WWR_RESV_USAGE_READ, NULL, INT64_MAX) == 0;
	for (unsigned int i = 0; i < NUM_FENCES; i++)
		wwr_fence_put(fences[i]);
	wwr_lock_set_fini(&set);
	return ok;
}

/* FENCE_CACHES, each pool's, THREADS: in one fork. */
static bool fork_and_use(void)
{
	pid_t child = fork();
	int status = -1;
	bool ok;

	if (child == 0) {
		ok = use_reservations();
		/* Their fences go back to the pool: a checker of memory looks at the child, too. */
		for (int i = 0; i < 2; i++)
			wwr_resv_fini(&resvs[i]);
		_exit(ok ? 0 : 1);
	}
	return child > 0 && waitpid(child, &status, 0) == child && status == 0;
}

static void ignore_text(const char *text, size_t length, void *data)
{
	(void)text;
	(void)length;
	(void)data;
}

static void *lock_and_unlock(void *arg)
{
	struct wwr_interrupt_token *token = arg;
	bool locked = wwr_mutex_lock_interruptible(&resvs[0].mutex, NULL, token) == 0;

	if (locked)
		wwr_mutex_unlock(&resvs[0].mutex);
	return NULL;
}

/* THREADS with MUTEX in it, TRACK_ROW. */
static bool look_at_waiters(void)
{
	struct wwr_interrupt_token token;
	pthread_t thread;
	bool ok;

	wwr_interrupt_token_init(&token);
	ok = wwr_mutex_lock(&resvs[0].mutex, NULL) == 0 &&
	     pthread_create(&thread, NULL, lock_and_unlock, &token) == 0;
	if (!ok)
		return false;
	while (wwr_debug_get_waits(NULL, 0) == 0)
		sched_yield();
	ok = wwr_debug_write_graph(WWR_DEBUG_GRAPH_TEXT, ignore_text, NULL) == 0;
	wwr_interrupt(&token);
	pthread_join(thread, NULL);
	wwr_mutex_unlock(&resvs[0].mutex);
	return ok;
}

int main(void)
{
	const struct wwr_fence_pool_options options = {.ops = &ops};

	tap_plan(5);
	wwr_debug_set_checks(WWR_DEBUG_CHECK_MASK & ~(unsigned int)WWR_DEBUG_RELEASES);
	pool = wwr_fence_pool_create(&options);
	for (int i = 0; i < 2; i++)
		wwr_resv_init(&resvs[i], NULL);
	if (pool == NULL || wwr_sync_timeline_create("order", &timeline) != 0)
		return 1;
	tap_ok(take_all_ranks(), "all ranks in their order");
	tap_ok(use_clients_objects(), "sync_files, dma-bufs, syncobjs, timelines");
	tap_ok(use_reservations(), "reservations and pools");
	tap_ok(fork_and_use(), "fork");
	tap_ok(look_at_waiters(), "reports");
	wwr_sync_timeline_destroy(timeline);
	for (int i = 0; i < 2; i++)
		wwr_resv_fini(&resvs[i]);
	wwr_fence_synchronize();
	wwr_fence_pool_destroy(pool);
	return tap_exit();
}
