/* SPDX-License-Identifier: MIT */
/*
 * The lock layer's own code - park.c, mutex_queue.c, the fast paths of mutex.h, how a context is
 * wounded - under a weak memory model.  tests/weak/run makes C++ of the sources by changing the
 * types of their atomic fields, and of what other threads read of a context.
 *
 *	scenarios NUMBER	so many schedules of each; status 1 and what is wrong, or 0
 */
#include "weak.h"

#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define WWR_EXPLORE
#define NDEBUG
#define WAIT_LOCK_SPINS	    1
#define MUTEX_HANDOFF_AFTER 1
#define sched_yield()	    rl::yield(1, $)

struct wwr_waiter;
static void weak_init_waiter(struct wwr_waiter *waiter, struct wwr_acquire_ctx *ctx,
			     uintptr_t holder);

#include "lockset/park.c"

/* Ends with the park word: who wakes a sleeper looks at it. */
static rl::var<int> *weak_memory;

static void weak_list_unpark(struct park_list *list, weak_word *word)
{
	if (weak_memory != NULL)
		RL_ASSERT((*weak_memory)($) == 1);
	park_list_unpark(list, word);
}

#define park_list_unpark weak_list_unpark
#include "lockset/acquire_ctx.c"
#include "lockset/mutex_queue.c"

struct wwr_thread *weak_threads;

static void weak_init_waiter(struct wwr_waiter *waiter, struct wwr_acquire_ctx *ctx,
			     uintptr_t holder)
{
	waiter->prev = waiter->next = NULL;
	waiter->ctx = ctx;
	waiter->holder = holder;
	waiter->park_word = NULL;
	waiter->own_word($) = 0;
	waiter->passed_over = 0;
	waiter->holds = waiter->granted = false;
}

int wwr_explore_futex_wait(weak_word *word, unsigned int value, int64_t deadline_ns)
{
	(void)deadline_ns;
	return rl::rl_futex(reinterpret_cast<rl::atomic<int> *>(word), rl::RL_FUTEX_WAIT,
			    (int)value, NULL, NULL, 0, $) == 0
		   ? 0
		   : -EAGAIN;
}

void wwr_explore_futex_wake(weak_word *word, int num)
{
	rl::rl_futex(reinterpret_cast<rl::atomic<int> *>(word), rl::RL_FUTEX_WAKE, num, NULL, NULL,
		     0, $);
}

int64_t wwr_explore_now_ns(void)
{
	return 0;
}

/* Who sees that he was woken by all sees what each made true. */
template <unsigned int num_wakers>
struct park_wakes : rl::test_suite<park_wakes<num_wakers>, num_wakers + 1> {
	weak_word word;
	rl::var<int> data[num_wakers];

	void before()
	{
		word($) = 0;
		for (unsigned int i = 0; i < num_wakers; i++)
			data[i]($) = 0;
	}

	void thread(unsigned int index)
	{
		uint32_t seen;

		if (index < num_wakers) {
			data[index]($) = 1;
			park_unpark_and_wake(&word);
			return;
		}
		while ((seen = park_begin(&word)) < num_wakers * PARK_STEP)
			park_sleep(&word, seen, PARK_FOREVER, false);
		for (unsigned int i = 0; i < num_wakers; i++)
			RL_ASSERT(data[i]($) == 1);
	}
};

/* What came before an interrupt is seen by who finds the token set. */
struct interrupts : rl::test_suite<interrupts, 2> {
	struct wwr_interrupt_token token;
	rl::var<int> data;

	void before()
	{
		wwr_interrupt_token_init(&token);
		data($) = 0;
	}

	void thread(unsigned int index)
	{
		if (index == 0) {
			data($) = 1;
			wwr_interrupt(&token);
			return;
		}
		for (;;) {
			/* Relaxed: the test of the token alone has to be enough. */
			const uint32_t seen = wwr_atomic_load(&token.word, WWR_RELAXED);

			if (wwr_interrupt_token_is_set(&token))
				break;
			park_sleep(&token.word, seen, PARK_FOREVER, false);
		}
		RL_ASSERT(data($) == 1);
	}
};

struct wait_locks : rl::test_suite<wait_locks, 3> {
	weak_word lock;
	rl::var<int> data;

	void before()
	{
		lock($) = 0;
		data($) = 0;
	}

	void thread(unsigned int)
	{
		wait_lock(&lock);
		data($) = data($) + 1;
		wait_unlock(&lock);
	}

	void after()
	{
		RL_ASSERT(data($) == 3);
	}
};

/* The memory of a park word is not used for anything else while a waker has claimed it. */
struct claims : rl::test_suite<claims, 2> {
	struct wwr_acquire_ctx ctx;
	weak_word word;
	rl::var<int> memory;

	void before()
	{
		ctx.wounded($) = 0;
		ctx.sleep_word($) = 0;
		word($) = 0;
		memory($) = 0;
		weak_memory = &memory;
	}

	void sleeper()
	{
		memory($) = 1;
		ctx_publish_sleep(&ctx, &word);
		rl::yield(1, $);
		ctx_withdraw_sleep(&ctx);
		memory($) = 0;
	}

	void thread(unsigned int index)
	{
		struct park_list wakes = {{0}, 0};

		if (index == 1) {
			ctx_wound_and_wake(&ctx, &wakes);
			park_list_wake(&wakes);
			return;
		}
		/* The second time it is another one, at the same address. */
		sleeper();
		sleeper();
	}

	void after()
	{
		weak_memory = NULL;
	}
};

#define NUM_MUTEXES 2
#define NUM_THREADS 3

/* Mutexes that protect a number each, and a context a thread. */
struct world {
	struct wwr_class lock_class;
	struct wwr_mutex mutexes[NUM_MUTEXES];
	struct wwr_acquire_ctx ctxs[NUM_THREADS];
	struct wwr_thread threads[NUM_THREADS];
	rl::var<int> data[NUM_MUTEXES];

	void init(enum wwr_algorithm algorithm)
	{
		lock_class.algorithm = algorithm;
		weak_threads = threads;
		for (unsigned int i = 0; i < NUM_MUTEXES; i++) {
			struct wwr_mutex *mutex = &mutexes[i];

			mutex->owner($) = 0;
			mutex->wait_lock($) = 0;
			mutex->lock_class = &lock_class;
			mutex->first = mutex->last = NULL;
			mutex->num_holding = 0;
			data[i]($) = 0;
		}
		for (unsigned int i = 0; i < NUM_THREADS; i++) {
			threads[i].waiting_since_ns($) = 0;
			threads[i].waiting($) = NULL;
		}
	}

	void begin(unsigned int index)
	{
		struct wwr_acquire_ctx *ctx = &ctxs[index];

		ctx->lock_class = &lock_class;
		ctx->thread = thread_self();
		ctx->stamp($) = index + 1;
		ctx->classic($) = 1;
		ctx->state = CTX_LIVE;
		ctx->num_held = 0;
		ctx->contended = NULL;
		ctx->wounded($).store(0, rl::mo_relaxed);
		ctx->park_word($).store(0, rl::mo_relaxed);
		ctx->sleep_word($).store(0, rl::mo_relaxed);
		memset(&ctx->counts, 0, sizeof(ctx->counts));
	}

	int lock(unsigned int index, unsigned int number)
	{
		const struct mutex_wait wait = {NULL, PARK_FOREVER, false, true};
		struct wwr_acquire_ctx *ctx = &ctxs[index];
		struct wwr_mutex *mutex = &mutexes[number];
		int ret = 0;

		if (!mutex_try_fast(mutex, owner_of_ctx(ctx)))
			ret = mutex_wait_queued(mutex, owner_of_ctx(ctx), ctx, &wait);
		if (ret == 0) {
			ctx_clear_contended(ctx);
			ctx->num_held++;
		}
		return ret;
	}

	void unlock(unsigned int index, unsigned int number)
	{
		struct wwr_acquire_ctx *ctx = &ctxs[index];
		struct wwr_mutex *mutex = &mutexes[number];

		ctx->num_held--;
		if (!mutex_release_fast(mutex, owner_of_ctx(ctx)))
			mutex_release_marked(mutex, owner_of_ctx(ctx));
		if (ctx->num_held == 0 && wwr_atomic_load(&ctx->wounded, WWR_RELAXED) != 0)
			wwr_atomic_store(&ctx->wounded, 0, WWR_RELAXED);
	}

	/* Nothing is held, so nobody looks at it: its memory may be used for anything. */
	void end(unsigned int index)
	{
		ctxs[index].stamp($) = 0;
		ctxs[index].classic($) = 0;
	}
};

/* Both mutexes, in two orders. */
template <enum wwr_algorithm algorithm> struct abba : rl::test_suite<abba<algorithm>, 2>, world {
	void before()
	{
		init(algorithm);
	}

	void thread(unsigned int index)
	{
		unsigned int first = index;

		begin(index);
		for (;; first = 1 - first) {
			const int ret = lock(index, first);

			RL_ASSERT(ret == 0);
			if (lock(index, 1 - first) == 0)
				break;
			unlock(index, first);
		}
		for (unsigned int i = 0; i < NUM_MUTEXES; i++)
			data[i]($) = data[i]($) + 1;
		unlock(index, 0);
		unlock(index, 1);
		end(index);
	}

	void after()
	{
		RL_ASSERT(data[0]($) == 2 && data[1]($) == 2);
	}
};

/* One mutex and a queue. */
template <enum wwr_algorithm algorithm>
struct queue : rl::test_suite<queue<algorithm>, NUM_THREADS>, world {
	void before()
	{
		init(algorithm);
	}

	void thread(unsigned int index)
	{
		begin(index);
		RL_ASSERT(lock(index, 0) == 0);
		data[0]($) = data[0]($) + 1;
		unlock(index, 0);
		end(index);
	}

	void after()
	{
		RL_ASSERT(data[0]($) == NUM_THREADS);
	}
};

/* A younger one dies for an older one, which has nothing else to do with it and then ends. */
struct dies : rl::test_suite<dies, 2>, world {
	weak_word is_locked, has_died;

	void before()
	{
		init(WWR_WAIT_DIE);
		is_locked($) = 0;
		has_died($) = 0;
	}

	/* Relaxed, here and below: it orders nothing. */
	static void wait_for(weak_word &flag)
	{
		while (flag($).load(rl::mo_relaxed) == 0)
			rl::yield(1, $);
	}

	void older()
	{
		RL_ASSERT(lock(0, 0) == 0);
		is_locked($).store(1, rl::mo_relaxed);
		wait_for(has_died);
		unlock(0, 0);
	}

	void younger()
	{
		RL_ASSERT(lock(1, 1) == 0);
		wait_for(is_locked);
		RL_ASSERT(lock(1, 0) == -EDEADLK);
		has_died($).store(1, rl::mo_relaxed);
		unlock(1, 1);
	}

	void thread(unsigned int index)
	{
		begin(index);
		if (index == 0)
			older();
		else
			younger();
		end(index);
	}
};

/* Ends the program where something is wrong: relacy has then printed what, and does not clean up.
 */
template <class scenario> void run(const char *name, unsigned long num)
{
	rl::test_params params;
	bool is_well;

	params.iteration_count = num;
	params.search_type = rl::sched_random;
	params.execution_depth_limit = 2000;
	is_well = rl::simulate<scenario>(params);
	if (is_well)
		return;
	printf("\nfound: %s, %s\n", test_result_str(params.test_result), name);
	fflush(NULL);
	_exit(1);
}

int weak_number;
rl::memory_order weak_way;

int main(int argc, char **argv)
{
	static const rl::memory_order ways[] = {rl::mo_relaxed, rl::mo_acquire, rl::mo_release,
						rl::mo_acq_rel};
	const unsigned long num = argc > 1 ? strtoul(argv[1], NULL, 10) : 100000;

	if (argc == 4) {
		weak_number = atoi(argv[2]);
		weak_way = ways[atoi(argv[3]) % 4];
	}
	run<park_wakes<1>>("park_wakes_1", num);
	run<park_wakes<2>>("park_wakes_2", num);
	run<interrupts>("interrupts", num);
	run<wait_locks>("wait_locks", num);
	run<claims>("claims", num);
	run<queue<WWR_WOUND_WAIT>>("queue_ww", num);
	run<queue<WWR_WAIT_DIE>>("queue_wd", num);
	run<dies>("dies", num);
	run<abba<WWR_WOUND_WAIT>>("abba_ww", num);
	run<abba<WWR_WAIT_DIE>>("abba_wd", num);
	return 0;
}
