/* SPDX-License-Identifier: MIT */
/*
 * Who gets a mutex next: the order of the waiters, and the hand-off to a first one that was passed
 * over too often.  The main thread holds A without a context and takes it again at once, before a
 * waiter that it woke and that is held back.
 */
#include "tests/lockset/stage.h"

#include <wwresv/sys/debug.h>

#include <errno.h>
#include <stdarg.h>

/* A first waiter passed over this often gets the mutex handed. */
#define HANDOFF_AFTER 4

static void open_queue(void)
{
	must(wwr_mutex_lock(A, NULL));
}

/* Free A, and each of these must get it, in this order. */
static void assert_order(int num, ...)
{
	va_list list;

	wwr_mutex_unlock(A);
	va_start(list, num);
	for (int i = 0; i < num; i++) {
		struct actor *next = va_arg(list, struct actor *);

		assert_returns(actor_end(next), 0);
		cr_assert_eq(wwr_debug_mutex_holder(A), next->tid);
		must(actor_call(next, do_unlock, A));
	}
	va_end(list);
	cr_assert_not(wwr_mutex_is_locked(A));
}

BOTH_TEST(lockset_queue, contexts_get_it_oldest_first)
{
	open_queue();
	actors_init_ctx(4, OLDEST, OLDER, YOUNGER, YOUNGEST);
	actor_block(YOUNGER, do_lock, A);
	actor_block(OLDEST, do_lock, A);
	actor_block(YOUNGEST, do_lock, A);
	actor_block(OLDER, do_lock, A);
	assert_order(4, OLDEST, OLDER, YOUNGER, YOUNGEST);
}

BOTH_TEST(lockset_queue, plain_waiters_get_it_first_come_first_served)
{
	open_queue();
	actor_block(PLAIN_2, do_lock_plain, A);
	actor_block(PLAIN, do_lock_plain, A);
	assert_order(2, PLAIN_2, PLAIN);
}

BOTH_TEST(lockset_queue, plain_waiter_goes_to_the_tail)
{
	open_queue();
	actors_init_ctx(2, OLDER, YOUNGER);
	actor_block(YOUNGER, do_lock, A);
	actor_block(PLAIN, do_lock_plain, A);
	actor_block(PLAIN_2, do_lock_plain, A);
	assert_order(3, YOUNGER, PLAIN, PLAIN_2);
}

BOTH_TEST(lockset_queue, youngest_context_goes_to_the_tail_behind_plain_ones)
{
	open_queue();
	actors_init_ctx(2, OLDER, YOUNGER);
	actor_block(OLDER, do_lock, A);
	actor_block(PLAIN, do_lock_plain, A);
	actor_block(YOUNGER, do_lock, A);
	assert_order(3, OLDER, PLAIN, YOUNGER);
}

BOTH_TEST(lockset_queue, older_context_goes_before_the_first_younger_one)
{
	open_queue();
	actors_init_ctx(3, OLDER, YOUNGER, YOUNGEST);
	actor_block(PLAIN, do_lock_plain, A);
	actor_block(YOUNGEST, do_lock, A);
	actor_block(PLAIN_2, do_lock_plain, A);
	actor_block(YOUNGER, do_lock, A);
	actor_block(OLDER, do_lock, A);
	assert_order(5, PLAIN, OLDER, YOUNGER, YOUNGEST, PLAIN_2);
}

BOTH_TEST(lockset_queue, lock_sets_wait_in_the_order_of_their_stamps)
{
	open_queue();
	must(actor_call(OLDER, do_set_init, NULL));
	must(actor_call(YOUNGER, do_set_init, NULL));
	actor_block(YOUNGER, do_set_lock, A);
	actor_block(PLAIN, do_lock_plain, A);
	actor_block(OLDER, do_set_lock, A);
	wwr_mutex_unlock(A);
	assert_returns(actor_end(OLDER), 0);
	must(actor_call(OLDER, do_set_release_all, NULL));
	assert_returns(actor_end(YOUNGER), 0);
	must(actor_call(YOUNGER, do_set_release_all, NULL));
	assert_returns(actor_end(PLAIN), 0);
	must(actor_call(PLAIN, do_unlock, A));
}

BOTH_TEST(lockset_queue, waiter_that_leaves_the_middle_keeps_the_order)
{
	open_queue();
	actors_init_ctx(3, OLDER, YOUNGER, YOUNGEST);
	actor_block(YOUNGEST, do_lock, A);
	actor_block(YOUNGER, do_lock_interruptible, A);
	actor_block(OLDER, do_lock, A);
	wwr_interrupt(&YOUNGER->token);
	assert_returns(actor_end(YOUNGER), -EINTR);
	assert_order(2, OLDER, YOUNGEST);
}

/* Take A this often before the first waiter, which is held back. */
static void pass_over(int times)
{
	for (int i = 0; i < times; i++) {
		wwr_mutex_unlock(A);
		must(wwr_mutex_trylock(A, NULL));
	}
}

/* Unlock A: it must belong to the first waiter at once, which is held back. */
static void assert_unlock_hands_over(void)
{
	wwr_mutex_unlock(A);
	cr_assert(wwr_mutex_is_locked(A));
	assert_returns(wwr_mutex_trylock(A, NULL), -EBUSY);
}

static void assert_has_the_hand_off(struct actor *first)
{
	actor_let_go(first);
	assert_returns(actor_end(first), 0);
	cr_assert_eq(wwr_debug_mutex_holder(A), first->tid);
}

static void assert_takes_the_hand_off(struct actor *first)
{
	assert_has_the_hand_off(first);
	must(actor_call(first, do_unlock, A));
}

BOTH_TEST(lockset_queue, first_plain_waiter_passed_over_4_times_gets_it_handed)
{
	open_queue();
	actor_block(PLAIN, do_lock_plain, A);
	actor_hold_back(PLAIN);
	pass_over(HANDOFF_AFTER);
	assert_unlock_hands_over();
	assert_takes_the_hand_off(PLAIN);
}

BOTH_TEST(lockset_queue, first_context_passed_over_4_times_gets_it_handed)
{
	open_queue();
	actors_init_ctx(1, OLDER);
	actor_block(OLDER, do_lock, A);
	actor_hold_back(OLDER);
	pass_over(HANDOFF_AFTER);
	assert_unlock_hands_over();
	cr_assert(wwr_mutex_is_owned_by(A, &OLDER->ctx));
	assert_takes_the_hand_off(OLDER);
}

BOTH_TEST(lockset_queue, first_set_passed_over_4_times_gets_it_handed)
{
	open_queue();
	must(actor_call(OLDER, do_set_init, NULL));
	actor_block(OLDER, do_set_lock, A);
	actor_hold_back(OLDER);
	pass_over(HANDOFF_AFTER);
	assert_unlock_hands_over();
	assert_has_the_hand_off(OLDER);
	must(actor_call(OLDER, do_set_unlock, A));
}

/* The others go on waiting for the new owner. */
BOTH_TEST(lockset_queue, waiters_behind_a_hand_off_get_it_after)
{
	open_queue();
	actor_block(PLAIN, do_lock_plain, A);
	actor_hold_back(PLAIN);
	actor_block(PLAIN_2, do_lock_plain, A);
	pass_over(HANDOFF_AFTER);
	assert_unlock_hands_over();
	actor_let_go(PLAIN);
	assert_returns(actor_end(PLAIN), 0);
	must(actor_call(PLAIN, do_unlock, A));
	assert_returns(actor_end(PLAIN_2), 0);
	must(actor_call(PLAIN_2, do_unlock, A));
}

/* Any way to take it counts: plain or not, lock or trylock, this thread or another. */
BOTH_TEST(lockset_queue, every_taker_passes_the_first_waiter_over)
{
	struct wwr_acquire_ctx ctx;

	wwr_acquire_ctx_init(&ctx, &main_class);
	open_queue();
	actor_block(PLAIN, do_lock_plain, A);
	actor_hold_back(PLAIN);

	wwr_mutex_unlock(A);
	must(wwr_mutex_lock(A, &ctx));
	wwr_mutex_unlock(A);
	must(wwr_mutex_lock(A, NULL));
	wwr_mutex_unlock(A);
	must(wwr_mutex_trylock(A, &ctx));
	wwr_mutex_unlock(A);
	must(actor_call(HOLDER, do_lock_plain, A));
	must(actor_call(HOLDER, do_unlock, A));
	cr_assert_eq(wwr_debug_mutex_holder(A), PLAIN->tid);
	assert_takes_the_hand_off(PLAIN);
	wwr_acquire_ctx_fini(&ctx);
}

/* A waiter that is not the first wakes and takes it: that passes the first over too. */
BOTH_TEST(lockset_queue, waiter_that_was_not_first_passes_the_first_over)
{
	open_queue();
	actor_block(PLAIN, do_lock_plain, A);
	actor_hold_back(PLAIN);
	actor_block(PLAIN_2, do_lock_plain_interruptible, A);
	pass_over(HANDOFF_AFTER - 1);
	wwr_mutex_unlock(A);
	/* Awake, it finds A free, and that beats the interrupt. */
	wwr_interrupt(&PLAIN_2->token);
	assert_returns(actor_end(PLAIN_2), 0);
	must(actor_call(PLAIN_2, do_unlock, A));
	cr_assert_eq(wwr_debug_mutex_holder(A), PLAIN->tid);
	assert_takes_the_hand_off(PLAIN);
}

BOTH_TEST(lockset_queue, count_is_the_first_waiters_own)
{
	open_queue();
	actor_block(PLAIN, do_lock_plain, A);
	actor_hold_back(PLAIN);
	actor_block(PLAIN_2, do_lock_plain, A);
	pass_over(HANDOFF_AFTER);
	assert_unlock_hands_over();
	actor_let_go(PLAIN);
	assert_returns(actor_end(PLAIN), 0);
	/* The next one starts from nothing. */
	actor_hold_back(PLAIN_2);
	must(actor_call(PLAIN, do_unlock, A));
	must(wwr_mutex_trylock(A, NULL));
	pass_over(HANDOFF_AFTER - 1);
	assert_unlock_hands_over();
	assert_takes_the_hand_off(PLAIN_2);
}

BOTH_TEST(lockset_queue, count_survives_an_older_context_that_queues_ahead)
{
	open_queue();
	actors_init_ctx(2, OLDER, YOUNGER);
	actor_block(YOUNGER, do_lock, A);
	actor_hold_back(YOUNGER);
	pass_over(HANDOFF_AFTER - 1);
	actor_block(OLDER, do_lock_interruptible, A);
	/* Awake and held back it would be passed over; it leaves before that. */
	wwr_interrupt(&OLDER->token);
	assert_returns(actor_end(OLDER), -EINTR);
	pass_over(1);
	assert_unlock_hands_over();
	assert_takes_the_hand_off(YOUNGER);
}

BOTH_TEST(lockset_queue, count_does_not_rise_while_another_is_first)
{
	open_queue();
	actors_init_ctx(2, OLDER, YOUNGER);
	actor_block(YOUNGER, do_lock, A);
	actor_hold_back(YOUNGER);
	pass_over(1);
	actor_block(OLDER, do_lock_interruptible, A);
	actor_hold_back(OLDER);
	pass_over(HANDOFF_AFTER - 1);
	wwr_interrupt(&OLDER->token);
	actor_let_go(OLDER);
	assert_returns(actor_end(OLDER), -EINTR);
	/* It has one; with the other's three it would be handed too early. */
	pass_over(HANDOFF_AFTER - 1);
	assert_unlock_hands_over();
	assert_takes_the_hand_off(YOUNGER);
}

BOTH_TEST(lockset_queue, count_is_cleared_on_leaving_the_queue)
{
	open_queue();
	actor_block(PLAIN, do_lock_plain_interruptible, A);
	actor_hold_back(PLAIN);
	pass_over(HANDOFF_AFTER - 1);
	wwr_interrupt(&PLAIN->token);
	actor_let_go(PLAIN);
	assert_returns(actor_end(PLAIN), -EINTR);
	wwr_interrupt_token_clear(&PLAIN->token);
	actor_block(PLAIN, do_lock_plain_interruptible, A);
	actor_hold_back(PLAIN);
	pass_over(HANDOFF_AFTER);
	assert_unlock_hands_over();
	assert_takes_the_hand_off(PLAIN);
}

/* A hand-off that meets the end of the wait is taken. */
BOTH_TEST(lockset_queue, hand_off_that_meets_an_interrupt_is_taken)
{
	open_queue();
	actors_init_ctx(1, OLDER);
	actor_block(OLDER, do_lock_interruptible, A);
	actor_hold_back(OLDER);
	pass_over(HANDOFF_AFTER);
	wwr_interrupt(&OLDER->token);
	assert_unlock_hands_over();
	assert_takes_the_hand_off(OLDER);
}

BOTH_TEST(lockset_queue, hand_off_before_an_interrupt_is_taken)
{
	open_queue();
	actor_block(PLAIN, do_lock_plain_interruptible, A);
	actor_hold_back(PLAIN);
	pass_over(HANDOFF_AFTER);
	assert_unlock_hands_over();
	wwr_interrupt(&PLAIN->token);
	assert_takes_the_hand_off(PLAIN);
}

BOTH_TEST(lockset_queue, hand_off_that_meets_a_deadline_is_taken)
{
	open_queue();
	PLAIN->deadline_ns = from_now_ns(SOON_NS);
	/* It sleeps once at least, or came too late and says so. */
	actor_hold_back(PLAIN);
	actor_block(PLAIN, do_lock_plain_until, A);
	actor_until_at_gate(PLAIN);
	pass_over(HANDOFF_AFTER);
	assert_unlock_hands_over();
	assert_takes_the_hand_off(PLAIN);
}

WOUND_WAIT_TEST(lockset_queue, hand_off_that_meets_a_wound_is_taken)
{
	/* Each step is told, so none may be lost by chance. */
	wwr_class_set_injection(&main_class, 0, 0);
	open_queue();
	actors_init_ctx(2, OLDER, YOUNGER);
	must(actor_call(YOUNGER, do_lock, B));
	actor_block(YOUNGER, do_lock, A);
	actor_hold_back(YOUNGER);
	must(actor_call(OLDER, do_lock, C));
	actor_block(OLDER, do_lock, B);
	/* It is wounded and awake, but not told yet. */
	actor_until_at_gate(YOUNGER);
	pass_over(HANDOFF_AFTER);
	assert_unlock_hands_over();
	actor_let_go(YOUNGER);
	assert_returns(actor_end(YOUNGER), 0);
	must(actor_call(YOUNGER, do_unlock_all, NULL));
	assert_returns(actor_end(OLDER), 0);
}

/* A woken waiter that is interrupted before it runs. */
BOTH_TEST(lockset_queue, wake_up_that_meets_an_interrupt_takes_a_free_mutex)
{
	open_queue();
	actor_block(PLAIN, do_lock_plain_interruptible, A);
	actor_hold_back(PLAIN);
	wwr_mutex_unlock(A);
	wwr_interrupt(&PLAIN->token);
	assert_takes_the_hand_off(PLAIN);
}

BOTH_TEST(lockset_queue, wake_up_lost_to_an_interrupt_is_passed_on)
{
	open_queue();
	actor_block(PLAIN, do_lock_plain_interruptible, A);
	actor_hold_back(PLAIN);
	actor_block(PLAIN_2, do_lock_plain, A);
	pass_over(1);
	wwr_interrupt(&PLAIN->token);
	actor_let_go(PLAIN);
	assert_returns(actor_end(PLAIN), -EINTR);
	wwr_mutex_unlock(A);
	assert_returns(actor_end(PLAIN_2), 0);
	must(actor_call(PLAIN_2, do_unlock, A));
}
