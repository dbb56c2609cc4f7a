/* SPDX-License-Identifier: MIT */
/*
 * What threads keep of pools.  A thread uses its caches without a lock; which pool a cache belongs
 * to changes under the registry's lock only, by the thread itself or by the end of that pool.
 * Invariants: a thread with a cache is in the registry until it exits; a pool is in the list of
 * pools while it lives.
 *
 * The child of a fork has the caches of the thread that forked; what other threads had, unused or
 * not, stays behind for good.
 */
#include "reservation/fence_pool.h"

#include "lockset/park.h"

#include <pthread.h>

static uint32_t registry_lock;	      /* a wait lock; a pool's lock may be taken under it */
static struct fence_thread *registry; /* threads with caches */
static struct wwr_fence_pool *pools;  /* the living ones */
static uint32_t num_forks;	      /* changed in the child, by its only thread */
static pthread_once_t key_once = PTHREAD_ONCE_INIT;
static pthread_key_t exit_key;
static bool have_exit_key;

uint32_t fence_cache_num_forks(void)
{
	return num_forks;
}

/* Under registry_lock: the cells go to their pool's list, or to the excess if that is full. */
static void cache_flush(struct fence_cache *cache, struct fence_cell_list *excess)
{
	/* Relaxed: changed under this lock. */
	struct wwr_fence_pool *pool = wwr_atomic_load(&cache->pool, WWR_RELAXED);

	if (pool == NULL)
		return;
	fence_pool_give(pool, &cache->cells, SIZE_MAX, pool->max_free, excess);
	wwr_atomic_store(&cache->pool, NULL, WWR_RELAXED);
}

static void thread_exits(void *arg)
{
	struct fence_cell_list excess = {NULL, 0};
	struct fence_thread *self = arg;

	wait_lock_ranked(&registry_lock, RANK_FENCE_CACHES);
	for (int i = 0; i < FENCE_NUM_CACHES; i++)
		cache_flush(&self->caches[i], &excess);
	if (self->prev != NULL)
		self->prev->next = self->next;
	else
		registry = self->next;
	if (self->next != NULL)
		self->next->prev = self->prev;
	/* Fences that others' destructors release do not stay with a thread that is gone. */
	self->cache_state = FENCE_CACHES_CLOSED;
	wait_unlock(&registry_lock);
	fence_cells_free(&excess);
}

/* A fork finds all lists whole. */
static void fork_prepare(void)
{
	wait_lock_ranked(&registry_lock, RANK_FENCE_CACHES);
	for (struct wwr_fence_pool *pool = pools; pool != NULL; pool = pool->next)
		/* All of them, so in no order of ranks; nobody else takes two. */
		wait_lock(&pool->lock);
}

static void fork_parent(void)
{
	for (struct wwr_fence_pool *pool = pools; pool != NULL; pool = pool->next)
		wait_unlock(&pool->lock);
	wait_unlock(&registry_lock);
}

static void fork_child(void)
{
	struct fence_thread *self = fence_thread_self();

	registry = self->cache_state == FENCE_CACHES_OPEN ? self : NULL;
	self->prev = NULL;
	self->next = NULL;
	num_forks++;
	fork_parent();
}

static void create_key(void)
{
	have_exit_key = pthread_atfork(fork_prepare, fork_parent, fork_child) == 0 &&
			pthread_key_create(&exit_key, thread_exits) == 0;
}

/* May the thread have caches?  Not without notice of its exit. */
static bool thread_enters(struct fence_thread *self)
{
#ifdef WWR_EXPLORE
	(void)self;
	(void)key_once;
	(void)create_key;
	return false;
#else
	if (self->cache_state != FENCE_CACHES_NONE)
		return self->cache_state == FENCE_CACHES_OPEN;
	pthread_once(&key_once, create_key);
	if (!have_exit_key || pthread_setspecific(exit_key, self) != 0)
		return false;
	wait_lock_ranked(&registry_lock, RANK_FENCE_CACHES);
	self->prev = NULL;
	self->next = registry;
	if (registry != NULL)
		registry->prev = self;
	registry = self;
	self->cache_state = FENCE_CACHES_OPEN;
	wait_unlock(&registry_lock);
	return true;
#endif
}

struct fence_cache *fence_cache_claim(struct fence_thread *self, struct wwr_fence_pool *pool)
{
	struct fence_cell_list excess = {NULL, 0};
	struct fence_cache *cache;

	if (!thread_enters(self))
		return NULL;
	wait_lock_ranked(&registry_lock, RANK_FENCE_CACHES);
	/* Relaxed, both: changed under this lock. */
	cache = fence_cache_find(self, NULL);
	if (cache == NULL) {
		cache = &self->caches[self->next_cache++ % FENCE_NUM_CACHES];
		cache_flush(cache, &excess);
	}
	wwr_atomic_store(&cache->pool, pool, WWR_RELAXED);
	wait_unlock(&registry_lock);
	fence_cells_free(&excess);
	return cache;
}

void fence_cache_add_pool(struct wwr_fence_pool *pool)
{
	wait_lock_ranked(&registry_lock, RANK_FENCE_CACHES);
	pool->num_forks = num_forks;
	pool->next = pools;
	pools = pool;
	wait_unlock(&registry_lock);
}

void fence_cache_remove_pool(struct wwr_fence_pool *pool, struct fence_cell_list *list)
{
	struct wwr_fence_pool **link = &pools;

	wait_lock_ranked(&registry_lock, RANK_FENCE_CACHES);
	while (*link != pool)
		link = &(*link)->next;
	*link = pool->next;
	for (struct fence_thread *thread = registry; thread != NULL; thread = thread->next) {
		struct fence_cache *cache = fence_cache_find(thread, pool);

		if (cache == NULL)
			continue;
		fence_cell_move(list, &cache->cells, SIZE_MAX);
		/* Relaxed: the pool is not used any more, and no other pool is at this address yet.
		 */
		wwr_atomic_store(&cache->pool, NULL, WWR_RELAXED);
	}
	wait_unlock(&registry_lock);
}
