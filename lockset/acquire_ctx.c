/* SPDX-License-Identifier: MIT */
/*
 * Acquire contexts.  Invariants: num_held is the length of the held list; contended is set exactly
 * in CTX_CONTENDED; sleep_word is set exactly while the context is queued with locks held.
 */
#include "lockset/acquire_ctx.h"

#include "lockset/park.h"
#include "lockset/thread.h"
#include "lockset/usage.h"
#include "lockset/wwr_atomic.h"

#include <errno.h>
#include <sched.h>

/* Bit 0 of sleep_word: a waker is about to touch the word, the sleeper must not leave. */
#define SLEEP_CLAIMED ((uintptr_t)1)

/* One step of splitmix64: spreads a stamp over all bits. */
static uint64_t mix(uint64_t value)
{
	value += 0x9e3779b97f4a7c15u;
	value = (value ^ (value >> 30)) * 0xbf58476d1ce4e5b9u;
	value = (value ^ (value >> 27)) * 0x94d049bb133111ebu;
	return value ^ (value >> 31);
}

static void ctx_begin(struct wwr_acquire_ctx *ctx)
{
	struct wwr_class *lock_class = ctx->lock_class;
	/* Relaxed, all three: stamps need only be unique; settings may be the old or the new. */
	uint32_t interval = wwr_atomic_load(&lock_class->inject_interval, WWR_RELAXED);

	ctx->stamp = wwr_atomic_fetch_add(&lock_class->stamp, 1, WWR_RELAXED) + 1;
	ctx->state = CTX_LIVE;
	ctx->contended = NULL;
	ctx->inject_interval = interval;
	ctx->inject_countdown = 0;
	if (__builtin_expect(interval != 0, 0)) {
		uint64_t seed = wwr_atomic_load(&lock_class->inject_seed, WWR_RELAXED);

		ctx->inject_countdown = 1 + (uint32_t)(mix(seed ^ ctx->stamp) % interval);
	}
}

void wwr_acquire_ctx_init(struct wwr_acquire_ctx *ctx, struct wwr_class *lock_class)
{
	struct wwr_thread *self = thread_self();

	if (!self->registered)
		thread_register(self);
	for (const struct wwr_acquire_ctx *live = self->ctxs; live != NULL; live = live->next)
		WWR_USAGE(live != ctx, "wwr_acquire_ctx_init: context %p has not ended",
			  (void *)ctx);
	ctx->lock_class = lock_class;
	ctx->thread = self;
	ctx->classic = 1;
	ctx->num_held = 0;
	ctx->injected = 0;
	ctx->wounded = 0;
	ctx->park_word = 0;
	ctx->sleep_word = 0;
	ctx->set = NULL;
	ctx->held = NULL;
	ctx->counts = (struct wwr_class_stats){0};
	ctx->prev = NULL;
	ctx->next = self->ctxs;
	if (self->ctxs != NULL)
		self->ctxs->prev = ctx;
	self->ctxs = ctx;
	ctx_begin(ctx);
}

void ctx_check(const struct wwr_acquire_ctx *ctx, const char *call)
{
	WWR_USAGE(ctx->state >= CTX_LIVE && ctx->state <= CTX_DONE,
		  "%s: %p is no live acquire context", call, (const void *)ctx);
	WWR_USAGE(ctx->thread == thread_self(), "%s: acquire context %p belongs to another thread",
		  call, (const void *)ctx);
}

/* One that has ended, or that was never one, may have anything there. */
void ctx_refuse_foreign(const struct wwr_acquire_ctx *ctx, const char *call)
{
	ctx_check(ctx, call);
	WWR_USAGE(false, "%s: acquire context %p is lent to lock set %p until that ends", call,
		  (const void *)ctx, (const void *)ctx->set);
}

void ctx_reinit(struct wwr_acquire_ctx *ctx)
{
	ctx_flush_counts(ctx);
	ctx_begin(ctx);
}

void wwr_acquire_ctx_reinit(struct wwr_acquire_ctx *ctx)
{
	ctx_check(ctx, "wwr_acquire_ctx_reinit");
	ctx_check_no_set(ctx, "wwr_acquire_ctx_reinit");
	WWR_USAGE(ctx->num_held == 0, "wwr_acquire_ctx_reinit: context %p still holds %u locks",
		  (void *)ctx, ctx->num_held);
	ctx_reinit(ctx);
}

void wwr_acquire_ctx_done(struct wwr_acquire_ctx *ctx)
{
	ctx_check(ctx, "wwr_acquire_ctx_done");
	ctx_check_no_set(ctx, "wwr_acquire_ctx_done");
	WWR_USAGE(ctx->state != CTX_DONE, "wwr_acquire_ctx_done: context %p is done already",
		  (void *)ctx);
	ctx_set_done(ctx);
}

void wwr_acquire_ctx_fini(struct wwr_acquire_ctx *ctx)
{
	ctx_check(ctx, "wwr_acquire_ctx_fini");
	ctx_check_no_set(ctx, "wwr_acquire_ctx_fini");
	WWR_USAGE(ctx->num_held == 0, "wwr_acquire_ctx_fini: context %p still holds %u locks",
		  (void *)ctx, ctx->num_held);
	ctx_flush_counts(ctx);
	if (ctx->prev != NULL)
		ctx->prev->next = ctx->next;
	else
		ctx->thread->ctxs = ctx->next;
	if (ctx->next != NULL)
		ctx->next->prev = ctx->prev;
	ctx->state = CTX_FINI;
}

int ctx_set_contended(struct wwr_acquire_ctx *ctx, struct wwr_mutex *mutex, bool injected)
{
	ctx->state = CTX_CONTENDED;
	ctx->contended = mutex;
	ctx->injected = injected;
	ctx->counts.num_backoffs++;
	ctx->counts.num_injected += injected;
	return -EDEADLK;
}

bool ctx_inject(struct wwr_acquire_ctx *ctx)
{
	if (--ctx->inject_countdown > 0)
		return false;
	/* Ever rarer, so that every transaction ends. */
	if (__builtin_mul_overflow(ctx->inject_interval, 4u, &ctx->inject_interval))
		ctx->inject_interval = UINT32_MAX;
	ctx->inject_countdown = ctx->inject_interval;
	return true;
}

void ctx_flush_counts(struct wwr_acquire_ctx *ctx)
{
	struct wwr_class_stats *counts = &ctx->counts;
	struct wwr_class_stats *stats = thread_find_stats(ctx->thread, ctx->lock_class);

	if (stats == NULL) {
		thread_add_stats_slow(ctx->thread, ctx->lock_class, counts);
	} else {
		thread_bump(&stats->num_locks, counts->num_locks);
		/* Mostly none of these; a wait that failed is counted by its time alone. */
		if ((counts->num_contended | counts->num_backoffs | counts->num_fallbacks |
		     counts->wait_ns) != 0) {
			thread_bump(&stats->num_contended, counts->num_contended);
			thread_bump(&stats->num_backoffs, counts->num_backoffs);
			thread_bump(&stats->num_injected, counts->num_injected);
			thread_bump(&stats->num_fallbacks, counts->num_fallbacks);
			thread_bump(&stats->wait_ns, counts->wait_ns);
		}
	}
	*counts = (struct wwr_class_stats){0};
}

void ctx_publish_sleep(struct wwr_acquire_ctx *ctx, uint32_t *park_word)
{
	/*
	 * Sequentially consistent, as is the sleeper's later test of the mark: pairs with
	 * ctx_wound_and_wake(), which sets the mark and then looks here.  One of the two sees
	 * the other.
	 */
	wwr_atomic_store(&ctx->sleep_word, (uintptr_t)park_word, WWR_SEQ_CST);
}

void ctx_withdraw_sleep(struct wwr_acquire_ctx *ctx)
{
	/* Relaxed: only this thread changes more than the claim. */
	uintptr_t word = wwr_atomic_load(&ctx->sleep_word, WWR_RELAXED) & ~SLEEP_CLAIMED;
	uintptr_t expected = word;

	/* Acquire pairs with the release that ends a claim: the waker is done with the word. */
	while (!wwr_atomic_cas(&ctx->sleep_word, &expected, 0, WWR_ACQUIRE)) {
		expected = word;
		sched_yield();
	}
}

void ctx_wound_and_wake(struct wwr_acquire_ctx *ctx, struct park_list *wakes)
{
	uintptr_t word;

	/* Sequentially consistent, both: see ctx_publish_sleep(). */
	wwr_atomic_store(&ctx->wounded, 1, WWR_SEQ_CST);
	word = wwr_atomic_load(&ctx->sleep_word, WWR_SEQ_CST);

	/* Claimed by another waker: it has set the mark before and will change the word. */
	if (word == 0 || (word & SLEEP_CLAIMED) != 0)
		return;
	/* Acquire: the park word is looked at only after the claim. */
	if (!wwr_atomic_cas(&ctx->sleep_word, &word, word | SLEEP_CLAIMED, WWR_ACQUIRE))
		return;
	park_list_unpark(wakes, (uint32_t *)word);
	/* Release pairs with the acquire in ctx_withdraw_sleep(). */
	wwr_atomic_store(&ctx->sleep_word, word, WWR_RELEASE);
}
