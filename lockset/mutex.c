/* SPDX-License-Identifier: MIT */
/*
 * Lock and unlock up to the point where somebody has to wait; mutex_queue.c goes on from there.
 * Invariant: a mutex is in the held list of the context, or in the plain list of the thread, that
 * its owner word names, from just after it was taken to just before it is let go.
 */
#include "lockset/mutex.h"

#include <wwresv/class.h>

#include "lockset/park.h"
#include "lockset/usage.h"

#include <errno.h>
#include <sched.h>

/* About a microsecond: longer costs more than it wins, measured. */
#ifndef MUTEX_SPINS
#define MUTEX_SPINS 30
#endif

/* Then, with nothing held, the processor goes to others so often before this thread sleeps. */
#ifndef MUTEX_YIELDS
#define MUTEX_YIELDS 4
#endif

const struct mutex_wait mutex_wait_forever = {NULL, PARK_FOREVER, false, false};

void wwr_mutex_init(struct wwr_mutex *mutex, struct wwr_class *lock_class)
{
	*mutex = (struct wwr_mutex)WWR_MUTEX_INIT(lock_class);
}

void wwr_mutex_fini(struct wwr_mutex *mutex)
{
	WWR_USAGE(wwr_atomic_load(&mutex->owner, WWR_RELAXED) == 0,
		  "wwr_mutex_fini: mutex %p is held or awaited", (void *)mutex);
	mutex->lock_class = NULL;
}

/* Is it free, in either way?  Try to take it. */
static bool mutex_try(struct wwr_mutex *mutex, uintptr_t holder, struct wwr_acquire_ctx *ctx)
{
	/* Relaxed: a guess that the exchanges below confirm. */
	uintptr_t owner = wwr_atomic_load(&mutex->owner, WWR_RELAXED);

	if (owner == 0)
		return mutex_try_fast(mutex, holder);
	if (owner == OWNER_WAITERS)
		return mutex_try_marked(mutex, holder, ctx);
	return false;
}

/* Holders let go soon, mostly.  A wounded context is wanted elsewhere and gives up early. */
static bool mutex_spin(struct wwr_mutex *mutex, uintptr_t holder, struct wwr_acquire_ctx *ctx)
{
	bool holds = ctx != NULL && ctx->num_held > 0;

	for (int i = 0; i < MUTEX_SPINS; i++) {
		if (mutex_try(mutex, holder, ctx))
			return true;
		/* Relaxed: the queue looks again with the order it needs. */
		if (holds && ctx->classic && wwr_atomic_load(&ctx->wounded, WWR_RELAXED) != 0)
			return false;
		wwr_atomic_pause();
	}
	return false;
}

/*
 * With more threads than processors the holder may need this one.  Sleeping costs two switches and
 * a system call of the holder; a yield mostly is enough, and nobody waits for what this thread has.
 */
static bool mutex_yield(struct wwr_mutex *mutex, uintptr_t holder, struct wwr_acquire_ctx *ctx)
{
	if (ctx != NULL && ctx->num_held > 0)
		return false;
	for (int i = 0; i < MUTEX_YIELDS; i++) {
		sched_yield();
		if (mutex_try(mutex, holder, ctx))
			return true;
	}
	return false;
}

/* Before the wait: 0, or why this call must not wait at all. */
static int mutex_check_may_block(struct wwr_mutex *mutex, struct wwr_acquire_ctx *ctx,
				 const struct mutex_wait *wait)
{
	if (thread_may_block(thread_self(), mutex->lock_class, ctx))
		return 0;
	WWR_USAGE(wait->from_set,
		  "mutex %p: the thread would block while it holds a lock of class %s by other "
		  "means than this context",
		  (void *)mutex, mutex->lock_class->name);
	return -EBUSY;
}

/* A set of the default policy never sleeps while it holds a lock, whoever is older. */
static int mutex_lose(struct wwr_mutex *mutex, struct wwr_acquire_ctx *ctx,
		      const struct mutex_wait *wait)
{
	if (wait->token != NULL && wwr_interrupt_token_is_set(wait->token))
		return -EINTR;
	return ctx_set_contended(ctx, mutex, false);
}

static int mutex_lock_contested(struct wwr_mutex *mutex, uintptr_t holder,
				struct wwr_acquire_ctx *ctx, const struct mutex_wait *wait)
{
	int ret;

	if (mutex_try(mutex, holder, ctx))
		return 0;
	ret = mutex_check_may_block(mutex, ctx, wait);
	if (ret != 0)
		return ret;
	if (mutex_spin(mutex, holder, ctx))
		return 0;
	if (ctx != NULL && ctx->num_held > 0 && !ctx->classic)
		return mutex_lose(mutex, ctx, wait);
	if (mutex_yield(mutex, holder, ctx))
		return 0;
	return mutex_wait_queued(mutex, holder, ctx, wait);
}

/* The errors that need no look at the holder, in the order of their precedence. */
static int mutex_check_ctx(struct wwr_mutex *mutex, struct wwr_acquire_ctx *ctx)
{
	WWR_USAGE(ctx->state >= CTX_LIVE && ctx->state <= CTX_DONE,
		  "mutex %p: %p is no live acquire context", (void *)mutex, (void *)ctx);
	WWR_USAGE(ctx->thread == thread_self(),
		  "mutex %p: acquire context %p belongs to another thread", (void *)mutex,
		  (void *)ctx);
	if (mutex_is_held_by(mutex, owner_of_ctx(ctx)))
		return -EALREADY;
	if (ctx->lock_class != mutex->lock_class || ctx->state == CTX_DONE)
		return -EINVAL;
	if (ctx->state == CTX_CONTENDED) {
		WWR_USAGE(ctx->num_held == 0,
			  "mutex %p: context %p got -EDEADLK and locks on before it unlocked "
			  "everything",
			  (void *)mutex, (void *)ctx);
		WWR_USAGE(ctx->contended == mutex,
			  "mutex %p: context %p got -EDEADLK for mutex %p and must lock that first",
			  (void *)mutex, (void *)ctx, (void *)ctx->contended);
	}
	return 0;
}

int mutex_lock_ctx_slow(struct wwr_mutex *mutex, struct wwr_acquire_ctx *ctx,
			const struct mutex_wait *wait)
{
	bool contended = false;
	int ret = mutex_check_ctx(mutex, ctx);

	if (ret != 0)
		return ret;
	thread_check_section(ctx->thread, "locks mutex", mutex);
	if (!mutex_try_fast(mutex, owner_of_ctx(ctx))) {
		ret = mutex_lock_contested(mutex, owner_of_ctx(ctx), ctx, wait);
		if (ret != 0)
			return ret;
		contended = true;
	}
	ctx_clear_contended(ctx);
	ret = mutex_acquired(mutex, ctx);
	/* One that is lost by injection is not acquired, so it is no contended one either. */
	if (ret == 0)
		ctx->counts.num_contended += contended;
	return ret;
}

int mutex_lock_contended(struct wwr_mutex *mutex, struct wwr_acquire_ctx *ctx,
			 const struct mutex_wait *wait)
{
	WWR_USAGE(ctx->state == CTX_CONTENDED && ctx->contended == mutex,
		  "lock_slow: mutex %p is not the one that gave context %p -EDEADLK", (void *)mutex,
		  (void *)ctx);
	WWR_USAGE(ctx->num_held == 0, "lock_slow: context %p still holds %u locks", (void *)ctx,
		  ctx->num_held);
	return mutex_lock_ctx_slow(mutex, ctx, wait);
}

/* Without a context: a plain mutex. */
static int mutex_lock_plain(struct wwr_mutex *mutex, const struct mutex_wait *wait)
{
	struct wwr_thread *self = thread_self();
	bool contended = false;
	int ret;

	if (__builtin_expect(!self->registered, 0))
		thread_register(self);
	thread_check_section(self, "locks mutex", mutex);
	if (!mutex_try_fast(mutex, owner_of_thread(self))) {
		ret = mutex_lock_contested(mutex, owner_of_thread(self), NULL, wait);
		if (ret != 0)
			return ret;
		contended = true;
	}
	mutex_link(mutex, &self->plain);
	thread_count_lock(self, mutex->lock_class, contended);
	return 0;
}

static int mutex_lock(struct wwr_mutex *mutex, struct wwr_acquire_ctx *ctx,
		      const struct mutex_wait *wait)
{
	if (ctx == NULL)
		return mutex_lock_plain(mutex, wait);
	ctx_check_no_set(ctx, "wwr_mutex_lock");
	return mutex_lock_ctx(mutex, ctx, wait);
}

static int mutex_lock_slow(struct wwr_mutex *mutex, struct wwr_acquire_ctx *ctx,
			   const struct mutex_wait *wait)
{
	ctx_check_no_set(ctx, "wwr_mutex_lock_slow");
	return mutex_lock_contended(mutex, ctx, wait);
}

int wwr_mutex_lock(struct wwr_mutex *mutex, struct wwr_acquire_ctx *ctx)
{
	return mutex_lock(mutex, ctx, &mutex_wait_forever);
}

int wwr_mutex_lock_interruptible(struct wwr_mutex *mutex, struct wwr_acquire_ctx *ctx,
				 struct wwr_interrupt_token *token)
{
	const struct mutex_wait wait = {token, PARK_FOREVER, true, false};

	return mutex_lock(mutex, ctx, &wait);
}

int wwr_mutex_lock_until(struct wwr_mutex *mutex, struct wwr_acquire_ctx *ctx,
			 struct wwr_interrupt_token *token, int64_t deadline_ns)
{
	const struct mutex_wait wait = {token, deadline_ns, true, false};

	return mutex_lock(mutex, ctx, &wait);
}

void wwr_mutex_lock_slow(struct wwr_mutex *mutex, struct wwr_acquire_ctx *ctx) WWR_NO_ANALYSIS
{
	(void)!mutex_lock_slow(mutex, ctx, &mutex_wait_forever);
}

int wwr_mutex_lock_slow_interruptible(struct wwr_mutex *mutex, struct wwr_acquire_ctx *ctx,
				      struct wwr_interrupt_token *token)
{
	const struct mutex_wait wait = {token, PARK_FOREVER, true, false};

	return mutex_lock_slow(mutex, ctx, &wait);
}

int wwr_mutex_lock_slow_until(struct wwr_mutex *mutex, struct wwr_acquire_ctx *ctx,
			      struct wwr_interrupt_token *token, int64_t deadline_ns)
{
	const struct mutex_wait wait = {token, deadline_ns, true, false};

	return mutex_lock_slow(mutex, ctx, &wait);
}

int mutex_trylock_ctx(struct wwr_mutex *mutex, struct wwr_acquire_ctx *ctx)
{
	const int ret = mutex_check_ctx(mutex, ctx);

	if (ret != 0)
		return ret;
	if (!mutex_try(mutex, owner_of_ctx(ctx), ctx))
		return -EBUSY;
	ctx_clear_contended(ctx);
	mutex_link(mutex, &ctx->held);
	ctx->num_held++;
	ctx->counts.num_locks++;
	return 0;
}

int wwr_mutex_trylock(struct wwr_mutex *mutex, struct wwr_acquire_ctx *ctx)
{
	struct wwr_thread *self = thread_self();

	if (ctx != NULL) {
		ctx_check_no_set(ctx, "wwr_mutex_trylock");
		return mutex_trylock_ctx(mutex, ctx);
	}
	if (!self->registered)
		thread_register(self);
	if (!mutex_try(mutex, owner_of_thread(self), NULL))
		return mutex_is_held_by(mutex, owner_of_thread(self)) ? -EALREADY : -EBUSY;
	mutex_link(mutex, &self->plain);
	thread_count_lock(self, mutex->lock_class, false);
	return 0;
}

static void mutex_release(struct wwr_mutex *mutex, uintptr_t holder)
{
	if (!mutex_release_fast(mutex, holder))
		mutex_release_marked(mutex, holder);
}

int mutex_inject(struct wwr_mutex *mutex, struct wwr_acquire_ctx *ctx)
{
	/* The call fails, so it is no lock acquired. */
	ctx->counts.num_locks--;
	mutex_unlock_ctx(mutex, ctx);
	return ctx_set_contended(ctx, mutex, true);
}

/* Relaxed: nobody can wound a context that holds nothing, or could since we let go. */
static inline void mutex_unlocked_last(struct wwr_acquire_ctx *ctx)
{
	if (wwr_atomic_load(&ctx->wounded, WWR_RELAXED) != 0)
		wwr_atomic_store(&ctx->wounded, 0, WWR_RELAXED);
}

void mutex_unlock_ctx(struct wwr_mutex *mutex, struct wwr_acquire_ctx *ctx)
{
	mutex_unlink(mutex, &ctx->held);
	ctx->num_held--;
	mutex_release(mutex, owner_of_ctx(ctx));
	if (ctx->num_held == 0)
		mutex_unlocked_last(ctx);
}

void mutex_unlock_all(struct wwr_acquire_ctx *ctx)
{
	const uintptr_t holder = owner_of_ctx(ctx);
	struct wwr_mutex *mutex = ctx->held;

	/* The list is this thread's own: no need to keep it whole while it goes away. */
	ctx->held = NULL;
	ctx->num_held = 0;
	while (mutex != NULL) {
		/* Once let go of it may be another's, or gone. */
		struct wwr_mutex *next = mutex->next;

		mutex_release(mutex, holder);
		mutex = next;
	}
	mutex_unlocked_last(ctx);
}

/* One of the thread's own contexts holds it; looks at no foreign one. */
static struct wwr_acquire_ctx *thread_find_ctx(const struct wwr_thread *self, uintptr_t owner)
{
	struct wwr_acquire_ctx *ctx = self->ctxs;

	while (ctx != NULL && owner_of_ctx(ctx) != owner_holder(owner))
		ctx = ctx->next;
	return ctx;
}

/* No analysis: the release is behind the two kinds of owner. */
void wwr_mutex_unlock(struct wwr_mutex *mutex) WWR_NO_ANALYSIS
{
	struct wwr_thread *self = thread_self();
	/* Relaxed: if it is ours, we wrote it. */
	uintptr_t owner = wwr_atomic_load(&mutex->owner, WWR_RELAXED);
	struct wwr_acquire_ctx *ctx;

	if ((owner & OWNER_PLAIN) != 0) {
		WWR_USAGE(owner_holder(owner) == owner_of_thread(self),
			  "wwr_mutex_unlock: mutex %p is held by another thread", (void *)mutex);
		mutex_unlink(mutex, &self->plain);
		mutex_release(mutex, owner_of_thread(self));
		return;
	}
	ctx = thread_find_ctx(self, owner);
	WWR_USAGE(ctx != NULL, "wwr_mutex_unlock: mutex %p is not held by this thread",
		  (void *)mutex);
	WWR_USAGE(ctx->set == NULL,
		  "wwr_mutex_unlock: mutex %p is a member of lock set %p, which alone unlocks it",
		  (void *)mutex, (void *)ctx->set);
	mutex_unlock_ctx(mutex, ctx);
}

bool wwr_mutex_is_locked(const struct wwr_mutex *mutex)
{
	/* Relaxed: a hint. */
	return owner_holder(wwr_atomic_load(&mutex->owner, WWR_RELAXED)) != 0;
}

bool wwr_mutex_is_owned_by(const struct wwr_mutex *mutex, const struct wwr_acquire_ctx *ctx)
{
	return mutex_is_held_by(mutex, owner_of_ctx(ctx));
}

bool mutex_is_held_here(const struct wwr_mutex *mutex)
{
	const struct wwr_thread *self = thread_self();
	/* Relaxed: if it is ours, we wrote it. */
	uintptr_t owner = wwr_atomic_load(&mutex->owner, WWR_RELAXED);

	return owner_holder(owner) == owner_of_thread(self) ||
	       ((owner & OWNER_PLAIN) == 0 && thread_find_ctx(self, owner) != NULL);
}

void wwr_mutex_assert_held(const struct wwr_mutex *mutex)
{
	WWR_USAGE(mutex_is_held_here(mutex), "mutex %p must be held here and is not",
		  (const void *)mutex);
}
