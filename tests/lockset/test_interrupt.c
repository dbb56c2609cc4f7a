/* SPDX-License-Identifier: MIT */
/*
 * What ends a sleep besides the lock: tokens, deadlines, signal handlers.  Every kind of sleep that
 * there is goes through every test: they wait for B, which HOLDER has.
 */
#include "tests/lockset/stage.h"

#include <errno.h>
#include <string.h>

#include "lockset/wwr_atomic.h"

/* What a set's sleep obeys, besides the lock. */
static struct wwr_lock_set_options set_options(struct actor *self, uint32_t flags)
{
	return (struct wwr_lock_set_options){
	    .flags = flags, .token = self->token_used, .deadline_ns = self->deadline_ns};
}

static void prepare_plain(struct actor *self)
{
	(void)self;
}

static void prepare_ctx(struct actor *self)
{
	must(actor_call(self, do_ctx_init, NULL));
}

static void prepare_ctx_that_holds(struct actor *self)
{
	must(actor_call(self, do_ctx_init, NULL));
	must(actor_call(self, do_lock, A));
}

static void prepare_contended(struct actor *self)
{
	must(actor_call(self, do_ctx_init, NULL));
	must(actor_call(self, do_lose_b_holding_a, NULL));
	must(actor_call(self, do_unlock, A));
}

static void prepare_set(struct actor *self)
{
	struct wwr_lock_set_options options = set_options(self, 0);

	must(actor_call(self, do_set_init, &options));
}

static void prepare_set_that_holds(struct actor *self)
{
	prepare_set(self);
	must(actor_call(self, do_set_lock, A));
}

static void prepare_classic_set_that_holds(struct actor *self)
{
	struct wwr_lock_set_options options = set_options(self, WWR_LOCK_SET_CLASSIC);

	must(actor_call(self, do_set_init, &options));
	must(actor_call(self, do_set_lock, A));
}

static const struct sleep_kind {
	const char *name;
	void (*prepare)(struct actor *self); /* while B is free */
	actor_fn *fn;			     /* the call that sleeps */
	bool has_deadline;
} kinds[] = {
    {"plain, interruptible", prepare_plain, do_lock_plain_interruptible, false},
    {"plain, until", prepare_plain, do_lock_plain_until, true},
    {"first, interruptible", prepare_ctx, do_lock_interruptible, false},
    {"first, until", prepare_ctx, do_lock_until, true},
    {"holding, interruptible", prepare_ctx_that_holds, do_lock_interruptible, false},
    {"holding, until", prepare_ctx_that_holds, do_lock_until, true},
    {"slow, interruptible", prepare_contended, do_lock_slow_interruptible, false},
    {"slow, until", prepare_contended, do_lock_slow_until, true},
    {"set, first", prepare_set, do_set_lock, true},
    {"set, back_off", prepare_set_that_holds, do_set_back_off, true},
    {"set, classic", prepare_classic_set_that_holds, do_set_lock, true},
};
#define NUM_KINDS (sizeof(kinds) / sizeof(kinds[0]))

/* An actor that is about to make the call, with B taken. */
static struct actor *begin_kind(const struct sleep_kind *kind, int64_t deadline_ns)
{
	struct actor *self = &actor[8 + (kind - kinds)];

	self->deadline_ns = deadline_ns;
	kind->prepare(self);
	must(actor_call(HOLDER, do_lock_plain, B));
	if (kind->fn == do_set_back_off)
		must(actor_call(self, do_set_lock, B) != -EDEADLK);
	return self;
}

/* The call has failed: nothing is left of it, and the same call succeeds once B is free. */
static void end_kind(const struct sleep_kind *kind, struct actor *self)
{
	/* The last waiter has taken the mark along. */
	cr_assert_eq(B->owner & 1, 0, "%s", kind->name);
	cr_assert_null(B->first, "%s", kind->name);
	cr_assert_eq(wwr_debug_mutex_holder(B), HOLDER->tid, "%s", kind->name);
	cr_assert_eq(wwr_debug_get_waits(NULL, 0), 0, "%s", kind->name);
	must(actor_call(HOLDER, do_unlock, B));
	cr_assert_eq(B->owner, 0, "%s", kind->name);
	/* Still interrupted, or too late: having the mutex comes first. */
	cr_assert_eq(actor_call(self, kind->fn, B), 0, "%s", kind->name);
	if (self->has_set)
		must(actor_call(self, do_set_release_all, NULL));
	else if (self->has_ctx)
		must(actor_call(self, do_unlock_all, NULL));
	else
		must(actor_call(self, do_unlock, B));
}

BOTH_TEST(lockset_interrupt, interrupt_before_the_call_returns_eintr_without_sleep)
{
	without_injection();
	for (size_t i = 0; i < NUM_KINDS; i++) {
		struct actor *self = begin_kind(&kinds[i], INT64_MAX);

		wwr_interrupt(&self->token);
		cr_assert_eq(actor_call(self, kinds[i].fn, B), -EINTR, "%s", kinds[i].name);
		cr_assert_eq(actor_num_sleeps(self), 0, "%s", kinds[i].name);
		end_kind(&kinds[i], self);
	}
}

BOTH_TEST(lockset_interrupt, interrupt_during_the_sleep_returns_eintr)
{
	without_injection();
	for (size_t i = 0; i < NUM_KINDS; i++) {
		struct actor *self = begin_kind(&kinds[i], INT64_MAX);

		actor_block(self, kinds[i].fn, B);
		wwr_interrupt(&self->token);
		cr_assert_eq(actor_end(self), -EINTR, "%s", kinds[i].name);
		end_kind(&kinds[i], self);
	}
}

BOTH_TEST(lockset_interrupt, deadline_before_the_call_returns_etime)
{
	without_injection();
	for (size_t i = 0; i < NUM_KINDS; i++) {
		struct actor *self;

		if (!kinds[i].has_deadline)
			continue;
		self = begin_kind(&kinds[i], 1);
		cr_assert_eq(actor_call(self, kinds[i].fn, B), -ETIME, "%s", kinds[i].name);
		end_kind(&kinds[i], self);
	}
}

BOTH_TEST(lockset_interrupt, deadline_during_the_sleep_returns_etime_and_not_before)
{
	without_injection();
	for (size_t i = 0; i < NUM_KINDS; i++) {
		int64_t deadline_ns = from_now_ns(SOON_NS);
		struct actor *self;

		if (!kinds[i].has_deadline)
			continue;
		self = begin_kind(&kinds[i], deadline_ns);
		cr_assert_eq(actor_call(self, kinds[i].fn, B), -ETIME, "%s", kinds[i].name);
		cr_assert_geq(from_now_ns(0), deadline_ns, "%s", kinds[i].name);
		end_kind(&kinds[i], self);
	}
}

BOTH_TEST(lockset_interrupt, interrupt_beats_the_deadline)
{
	without_injection();
	for (size_t i = 0; i < NUM_KINDS; i++) {
		struct actor *self;

		if (!kinds[i].has_deadline)
			continue;
		self = begin_kind(&kinds[i], 1);
		wwr_interrupt(&self->token);
		cr_assert_eq(actor_call(self, kinds[i].fn, B), -EINTR, "%s", kinds[i].name);
		end_kind(&kinds[i], self);
	}
}

BOTH_TEST(lockset_interrupt, interrupt_beats_a_poll)
{
	must(actor_call(HOLDER, do_lock_plain, A));
	PLAIN->deadline_ns = 0;
	assert_returns(actor_call(PLAIN, do_lock_plain_until, A), -ETIME);
	wwr_interrupt(&PLAIN->token);
	assert_returns(actor_call(PLAIN, do_lock_plain_until, A), -EINTR);
	must(actor_call(HOLDER, do_unlock, A));
}

/* Both come during the sleep, the deadline first. */
BOTH_TEST(lockset_interrupt, interrupt_beats_a_deadline_that_ended_the_sleep)
{
	must(actor_call(HOLDER, do_lock_plain, A));
	PLAIN->deadline_ns = from_now_ns(SOON_NS);
	actor_hold_back(PLAIN);
	actor_block(PLAIN, do_lock_plain_until, A);
	actor_until_at_gate(PLAIN);
	wwr_interrupt(&PLAIN->token);
	actor_let_go(PLAIN);
	assert_returns(actor_end(PLAIN), -EINTR);
	must(actor_call(HOLDER, do_unlock, A));
}

static unsigned int num_signals;

static void count_signal(int signal_number)
{
	(void)signal_number;
	(void)wwr_atomic_fetch_add(&num_signals, 1u, WWR_SEQ_CST);
}

static void handle_signals(void (*handler)(int), int flags)
{
	struct sigaction action = {.sa_handler = handler, .sa_flags = flags};

	sigemptyset(&action.sa_mask);
	must(sigaction(SIGUSR1, &action, NULL));
}

static void assert_signal_gives_eintr(int flags)
{
	handle_signals(count_signal, flags);
	for (size_t i = 0; i < NUM_KINDS; i++) {
		struct actor *self = begin_kind(&kinds[i], INT64_MAX);

		actor_block(self, kinds[i].fn, B);
		actor_signal(self, SIGUSR1);
		cr_assert_eq(actor_end(self), -EINTR, "%s", kinds[i].name);
		cr_assert_not(wwr_interrupt_token_is_set(&self->token));
		end_kind(&kinds[i], self);
	}
	cr_assert_eq(num_signals, NUM_KINDS);
}

BOTH_TEST(lockset_interrupt, signal_handler_during_the_sleep_returns_eintr)
{
	without_injection();
	assert_signal_gives_eintr(0);
}

/* The system restarts what it can; a sleep with a timeout it cannot. */
BOTH_TEST(lockset_interrupt, signal_handler_with_sa_restart_returns_eintr)
{
	without_injection();
	assert_signal_gives_eintr(SA_RESTART);
}

BOTH_TEST(lockset_interrupt, signal_handler_without_a_token_returns_eintr)
{
	without_injection();
	handle_signals(count_signal, SA_RESTART);
	for (size_t i = 0; i < NUM_KINDS; i++) {
		struct actor *self = &actor[8 + i];

		/* Sets listen to signals only if they have a token. */
		if (kinds[i].prepare == prepare_set || kinds[i].prepare == prepare_set_that_holds ||
		    kinds[i].prepare == prepare_classic_set_that_holds)
			continue;
		self->token_used = NULL;
		(void)begin_kind(&kinds[i], INT64_MAX);
		actor_block(self, kinds[i].fn, B);
		actor_signal(self, SIGUSR1);
		cr_assert_eq(actor_end(self), -EINTR, "%s", kinds[i].name);
		end_kind(&kinds[i], self);
	}
}

/* Calls that nothing ends but the lock. */
static const struct sleep_kind deaf_kinds[] = {
    {"plain", prepare_plain, do_lock_plain, false},
    {"first", prepare_ctx, do_lock, false},
    {"holding", prepare_ctx_that_holds, do_lock, false},
    {"slow", prepare_contended, do_lock_slow, false},
    {"set, first", prepare_set, do_set_lock, false},
    {"set, back_off", prepare_set_that_holds, do_set_back_off, false},
    {"set, classic", prepare_classic_set_that_holds, do_set_lock, false},
};

static void assert_signal_is_ignored(const struct sleep_kind *kind, struct actor *self)
{
	unsigned int seen = wwr_atomic_load(&num_signals, WWR_SEQ_CST);
	int64_t deadline_ns = from_now_ns(FAR_FROM_NOW_NS);

	self->token_used = NULL;
	/* Of the sets: the system cannot restart a sleep with a timeout, the set does. */
	self->deadline_ns = from_now_ns(FAR_FROM_NOW_NS);
	kind->prepare(self);
	must(actor_call(HOLDER, do_lock_plain, B));
	if (kind->fn == do_set_back_off)
		must(actor_call(self, do_set_lock, B) != -EDEADLK);
	actor_block(self, kind->fn, B);
	actor_signal(self, SIGUSR1);
	while (wwr_atomic_load(&num_signals, WWR_SEQ_CST) == seen)
		cr_assert_lt(from_now_ns(0), deadline_ns, "%s: no signal", kind->name);
	actor_signal(self, SIGUSR1);
	must(actor_call(HOLDER, do_unlock, B));
	cr_assert_eq(actor_end(self), 0, "%s", kind->name);
	if (self->has_set)
		must(actor_call(self, do_set_release_all, NULL));
	else if (self->has_ctx)
		must(actor_call(self, do_unlock_all, NULL));
	else
		must(actor_call(self, do_unlock, B));
}

BOTH_TEST(lockset_interrupt, signal_handler_does_not_end_a_sleep_that_is_not_interruptible)
{
	static const int flags[] = {0, SA_RESTART};

	without_injection();
	for (int j = 0; j < 2; j++) {
		handle_signals(count_signal, flags[j]);
		for (size_t i = 0; i < sizeof(deaf_kinds) / sizeof(deaf_kinds[0]); i++)
			assert_signal_is_ignored(&deaf_kinds[i], &actor[8 + 8 * j + (int)i]);
	}
}

/* wwr_interrupt() is async-signal-safe: the sleeper's own handler calls it. */
static struct wwr_interrupt_token *handler_token;

static void interrupt_in_handler(int signal_number)
{
	(void)signal_number;
	wwr_interrupt(handler_token);
}

BOTH_TEST(lockset_interrupt, interrupt_from_a_signal_handler_ends_the_sleep)
{
	handler_token = &PLAIN->token;
	handle_signals(interrupt_in_handler, SA_RESTART);
	must(actor_call(HOLDER, do_lock_plain, A));
	actor_block(PLAIN, do_lock_plain_interruptible, A);
	actor_signal(PLAIN, SIGUSR1);
	assert_returns(actor_end(PLAIN), -EINTR);
	cr_assert(wwr_interrupt_token_is_set(&PLAIN->token));
	must(actor_call(HOLDER, do_unlock, A));
}

WOUND_WAIT_TEST(lockset_interrupt, interrupt_keeps_errno)
{
	struct wwr_interrupt_token token;

	wwr_interrupt_token_init(&token);
	errno = EXDEV;
	wwr_interrupt(&token);
	cr_assert_eq(errno, EXDEV);
}

BOTH_TEST(lockset_interrupt, token_stays_interrupted_until_it_is_cleared)
{
	struct wwr_interrupt_token *token = &PLAIN->token;

	wwr_interrupt_token_init(token);
	cr_assert_not(wwr_interrupt_token_is_set(token));
	wwr_interrupt(token);
	wwr_interrupt(token);
	cr_assert(wwr_interrupt_token_is_set(token));
	must(actor_call(HOLDER, do_lock_plain, A));
	assert_returns(actor_call(PLAIN, do_lock_plain_interruptible, A), -EINTR);
	assert_returns(actor_call(PLAIN, do_lock_plain_interruptible, A), -EINTR);
	cr_assert(wwr_interrupt_token_is_set(token));
	wwr_interrupt_token_clear(token);
	cr_assert_not(wwr_interrupt_token_is_set(token));
	actor_block(PLAIN, do_lock_plain_interruptible, A);
	must(actor_call(HOLDER, do_unlock, A));
	assert_returns(actor_end(PLAIN), 0);
	must(actor_call(PLAIN, do_unlock, A));
}

BOTH_TEST(lockset_interrupt, one_token_ends_the_sleeps_of_several_threads)
{
	PLAIN->token_used = PLAIN_2->token_used = &OLDER->token;
	must(actor_call(HOLDER, do_lock_plain, A));
	must(actor_call(HOLDER, do_trylock_plain, B));
	actors_init_ctx(1, OLDER);
	actor_block(PLAIN, do_lock_plain_interruptible, A);
	actor_block(PLAIN_2, do_lock_plain_interruptible, B);
	actor_block(OLDER, do_lock_interruptible, A);
	wwr_interrupt(&OLDER->token);
	assert_returns(actor_end(PLAIN), -EINTR);
	assert_returns(actor_end(PLAIN_2), -EINTR);
	assert_returns(actor_end(OLDER), -EINTR);
	must(actor_call(HOLDER, do_unlock, A));
	must(actor_call(HOLDER, do_unlock, B));
}

BOTH_TEST(lockset_interrupt, one_token_serves_several_sleepers_that_get_their_locks)
{
	PLAIN->token_used = PLAIN_2->token_used = &OLDER->token;
	must(actor_call(HOLDER, do_lock_plain, A));
	must(actor_call(HOLDER, do_trylock_plain, B));
	actor_block(PLAIN, do_lock_plain_interruptible, A);
	actor_block(PLAIN_2, do_lock_plain_interruptible, B);
	must(actor_call(HOLDER, do_unlock, A));
	assert_returns(actor_end(PLAIN), 0);
	cr_assert_not(actor_is_done(PLAIN_2));
	must(actor_call(HOLDER, do_unlock, B));
	assert_returns(actor_end(PLAIN_2), 0);
	must(actor_call(PLAIN, do_unlock, A));
	must(actor_call(PLAIN_2, do_unlock, B));
}

/* The interrupt beats the kill, and so does the deadline. */
BOTH_TEST(lockset_interrupt, deadline_passes_although_the_system_refuses_to_sleep)
{
	must(actor_call(HOLDER, do_lock_plain, A));
	OLDER->no_futex = true;
	OLDER->deadline_ns = from_now_ns(SOON_NS);
	assert_returns(actor_call(OLDER, do_lock_plain_until, A), -ETIME);
	must(actor_call(HOLDER, do_unlock, A));
}

WAIT_DIE_TEST(lockset_interrupt, interrupted_one_that_would_die_returns_eintr)
{
	without_injection();
	actors_init_ctx(2, OLDER, YOUNGER);
	must(actor_call(OLDER, do_lock, A));
	must(actor_call(YOUNGER, do_lock, B));
	wwr_interrupt(&YOUNGER->token);
	assert_returns(actor_call(YOUNGER, do_lock_interruptible, A), -EINTR);
	/* It was not told to back off: it may lock on. */
	assert_returns(actor_call(YOUNGER, do_lock, C), 0);
}

WAIT_DIE_TEST(lockset_interrupt, late_one_that_would_die_returns_etime)
{
	without_injection();
	actors_init_ctx(2, OLDER, YOUNGER);
	must(actor_call(OLDER, do_lock, A));
	must(actor_call(YOUNGER, do_lock, B));
	YOUNGER->deadline_ns = 0;
	assert_returns(actor_call(YOUNGER, do_lock_until, A), -ETIME);
	assert_returns(actor_call(YOUNGER, do_lock, C), 0);
}

WOUND_WAIT_TEST(lockset_interrupt, interrupted_one_that_was_wounded_returns_eintr)
{
	without_injection();
	must(actor_call(HOLDER, do_lock_plain, D));
	actors_init_ctx(2, OLDER, YOUNGER);
	must(actor_call(YOUNGER, do_lock, A));
	actor_block(YOUNGER, do_lock_interruptible, D);
	actor_hold_back(YOUNGER);
	must(actor_call(OLDER, do_lock, B));
	actor_block(OLDER, do_lock, A);
	actor_until_at_gate(YOUNGER);
	wwr_interrupt(&YOUNGER->token);
	actor_let_go(YOUNGER);
	assert_returns(actor_end(YOUNGER), -EINTR);
	must(actor_call(HOLDER, do_unlock, D));
	must(actor_call(YOUNGER, do_unlock_all, NULL));
	assert_returns(actor_end(OLDER), 0);
}

BOTH_TEST(lockset_interrupt, interrupted_set_that_would_lose_returns_eintr)
{
	struct wwr_lock_set_options options = {.token = &OLDER->token};

	without_injection();
	must(actor_call(HOLDER, do_lock_plain, B));
	must(actor_call(OLDER, do_set_init, &options));
	must(actor_call(OLDER, do_set_lock, A));
	wwr_interrupt(&OLDER->token);
	assert_returns(actor_call(OLDER, do_set_lock, B), -EINTR);
	assert_returns(actor_call(OLDER, do_set_lock, C), 0);
	must(actor_call(HOLDER, do_unlock, B));
}

BOTH_TEST(lockset_interrupt, free_mutex_beats_the_interrupt_and_the_deadline)
{
	without_injection();
	actors_init_ctx(1, OLDER);
	wwr_interrupt(&OLDER->token);
	OLDER->deadline_ns = 0;
	assert_returns(actor_call(OLDER, do_lock_until, A), 0);
	assert_returns(actor_call(OLDER, do_lock_interruptible, B), 0);
}
