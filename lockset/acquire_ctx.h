/* SPDX-License-Identifier: MIT */
#ifndef LOCKSET_ACQUIRE_CTX_H
#define LOCKSET_ACQUIRE_CTX_H

#include <stdbool.h>

#include <wwresv/acquire_ctx.h>

struct park_list;

/* No small numbers, so that memory which never was a context is noticed. */
enum ctx_state {
	CTX_LIVE = 0x57570001,	    /* locks */
	CTX_CONTENDED = 0x57570002, /* got -EDEADLK: must back off to ctx->contended */
	CTX_DONE = 0x57570003,	    /* has every lock it wants */
	CTX_FINI = 0x57570004,	    /* ended */
};

/* Older: the smaller stamp, by signed difference, so that stamps may wrap around. */
static inline bool ctx_is_older(const struct wwr_acquire_ctx *ctx,
				const struct wwr_acquire_ctx *other)
{
	return (int64_t)(ctx->stamp - other->stamp) < 0;
}

/* Usage error unless it is a live context of the calling thread. */
void ctx_check(const struct wwr_acquire_ctx *ctx, const char *call);

/* S14: usage error if a lock set has it. */
void ctx_refuse_foreign(const struct wwr_acquire_ctx *ctx, const char *call);
static inline void ctx_check_no_set(const struct wwr_acquire_ctx *ctx, const char *call)
{
	if (__builtin_expect(ctx->set != NULL, 0))
		ctx_refuse_foreign(ctx, call);
}

/* Begin another transaction; nothing is held. */
void ctx_reinit(struct wwr_acquire_ctx *ctx);

/* Remember the lock to back off to; the result of the lock call, -EDEADLK. */
int ctx_set_contended(struct wwr_acquire_ctx *ctx, struct wwr_mutex *mutex, bool injected);

/* It has every lock it wants. */
static inline void ctx_set_done(struct wwr_acquire_ctx *ctx)
{
	ctx->state = CTX_DONE;
	ctx->contended = NULL;
}

/* The contended lock was acquired, or is given up. */
static inline void ctx_clear_contended(struct wwr_acquire_ctx *ctx)
{
	ctx->state = CTX_LIVE;
	ctx->contended = NULL;
}

/* Called with more than one lock held and the injection on: is this lock to be lost? */
bool ctx_inject(struct wwr_acquire_ctx *ctx);

/* Add the context's counts to those of its class. */
void ctx_flush_counts(struct wwr_acquire_ctx *ctx);

/*
 * Wound: the context loses to an older one and backs off when it blocks.  Called under the wait
 * lock of a mutex that the context owns and that carries the waiters mark, so it cannot go away.
 */
void ctx_wound_and_wake(struct wwr_acquire_ctx *ctx, struct park_list *wakes);

/* Around a queued wait: where ctx_wound_and_wake() finds the sleeper. */
void ctx_publish_sleep(struct wwr_acquire_ctx *ctx, uint32_t *park_word);
void ctx_withdraw_sleep(struct wwr_acquire_ctx *ctx);

#endif /* LOCKSET_ACQUIRE_CTX_H */
