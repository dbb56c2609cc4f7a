/* SPDX-License-Identifier: MIT */
/* What actors can be told to do. */
#include "tests/lockset/stage.h"

#include <errno.h>

int do_ctx_init(struct actor *self, void *arg)
{
	wwr_acquire_ctx_init(&self->ctx, arg != NULL ? arg : &main_class);
	self->has_ctx = true;
	return 0;
}

int do_ctx_reinit(struct actor *self, void *arg)
{
	(void)arg;
	wwr_acquire_ctx_reinit(&self->ctx);
	return 0;
}

int do_ctx_done(struct actor *self, void *arg)
{
	(void)arg;
	wwr_acquire_ctx_done(&self->ctx);
	return 0;
}

int do_lock(struct actor *self, void *arg)
{
	return wwr_mutex_lock(arg, &self->ctx);
}

int do_lock_interruptible(struct actor *self, void *arg)
{
	return wwr_mutex_lock_interruptible(arg, &self->ctx, self->token_used);
}

int do_lock_until(struct actor *self, void *arg)
{
	return wwr_mutex_lock_until(arg, &self->ctx, self->token_used, self->deadline_ns);
}

int do_lock_plain(struct actor *self, void *arg)
{
	(void)self;
	return wwr_mutex_lock(arg, NULL);
}

int do_lock_plain_interruptible(struct actor *self, void *arg)
{
	return wwr_mutex_lock_interruptible(arg, NULL, self->token_used);
}

int do_lock_plain_until(struct actor *self, void *arg)
{
	return wwr_mutex_lock_until(arg, NULL, self->token_used, self->deadline_ns);
}

int do_lock_slow(struct actor *self, void *arg)
{
	wwr_mutex_lock_slow(arg, &self->ctx);
	return 0;
}

int do_lock_slow_interruptible(struct actor *self, void *arg)
{
	return wwr_mutex_lock_slow_interruptible(arg, &self->ctx, self->token_used);
}

int do_lock_slow_until(struct actor *self, void *arg)
{
	return wwr_mutex_lock_slow_until(arg, &self->ctx, self->token_used, self->deadline_ns);
}

int do_trylock(struct actor *self, void *arg)
{
	return wwr_mutex_trylock(arg, &self->ctx);
}

int do_trylock_plain(struct actor *self, void *arg)
{
	(void)self;
	return wwr_mutex_trylock(arg, NULL);
}

int do_unlock(struct actor *self, void *arg)
{
	(void)self;
	wwr_mutex_unlock(arg);
	return 0;
}

int do_unlock_all(struct actor *self, void *arg)
{
	(void)arg;
	for (int i = 0; i < STAGE_NUM_MUTEXES; i++) {
		if (wwr_mutex_is_owned_by(&mutex[i], &self->ctx))
			wwr_mutex_unlock(&mutex[i]);
	}
	return 0;
}

int do_set_init(struct actor *self, void *arg)
{
	self->has_set = true;
	return wwr_lock_set_init(&self->set, &main_class, arg);
}

int do_set_lock(struct actor *self, void *arg)
{
	return wwr_lock_set_lock(&self->set, arg);
}

int do_set_trylock(struct actor *self, void *arg)
{
	return wwr_lock_set_trylock(&self->set, arg);
}

int do_set_unlock(struct actor *self, void *arg)
{
	wwr_lock_set_unlock(&self->set, arg);
	return 0;
}

int do_set_back_off(struct actor *self, void *arg)
{
	(void)arg;
	return wwr_lock_set_back_off(&self->set);
}

int do_set_release_all(struct actor *self, void *arg)
{
	(void)arg;
	wwr_lock_set_release_all(&self->set);
	return 0;
}

void lose_b_holding_a(struct wwr_acquire_ctx *ctx)
{
	/* The first lock after another is lost. */
	wwr_class_set_injection(ctx->lock_class, 1, 0);
	wwr_acquire_ctx_reinit(ctx);
	wwr_class_set_injection(ctx->lock_class, 0, 0);
	must(wwr_mutex_lock(A, ctx));
	must(wwr_mutex_lock(B, ctx) != -EDEADLK);
}

int do_lose_b_holding_a(struct actor *self, void *arg)
{
	(void)arg;
	lose_b_holding_a(&self->ctx);
	return 0;
}
