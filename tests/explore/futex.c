/* SPDX-License-Identifier: MIT */
/*
 * Sleep and time, and futexes for lockset/park.c.  A wait compares and falls asleep in one step; a
 * wake-up looks at no memory, only at the address, as the system does.
 */
#include "tests/explore/run.h"

#include <errno.h>

int wwr_explore_futex_wait(uint32_t *word, uint32_t value, int64_t deadline_ns);
void wwr_explore_futex_wake(uint32_t *word, int num);
int64_t wwr_explore_now_ns(void);

int64_t wwr_explore_now_ns(void)
{
	return ex.now_ns;
}

int ex_sleep(const void *word, int64_t deadline_ns)
{
	struct ex_fiber *self = ex.current;

	self->futex = word;
	self->deadline_ns = deadline_ns;
	self->asleep_since = ex.num_steps;
	if (deadline_ns < ex.next_expiry_ns)
		ex.next_expiry_ns = deadline_ns;
	ex_note("falls asleep", word);
	ex_make_unready(self, EX_ASLEEP);
	ex_leave(self);
	ex_note(self->wait_result == 0		  ? "wakes up"
		: self->wait_result == -ETIMEDOUT ? "wakes up: too late"
						  : "wakes up: a signal",
		word);
	return self->wait_result;
}

int wwr_explore_futex_wait(uint32_t *word, uint32_t value, int64_t deadline_ns)
{
	const struct ex_op op = {"futex", "futex_wait", word, 0};

	ex_step(&op);
	if (*word != value)
		return -EAGAIN;
	if (deadline_ns <= ex.now_ns)
		return -ETIMEDOUT;
	return ex_sleep(word, deadline_ns);
}

/* Of those asleep on the word: writes their numbers, returns how many. */
static unsigned int find_sleepers(const void *word, unsigned int *ret_fibers)
{
	unsigned int num = 0;

	for (unsigned int i = 0; i < ex.num_fibers; i++) {
		if (ex.fibers[i].state == EX_ASLEEP && ex.fibers[i].futex == word)
			ret_fibers[num++] = i;
	}
	return num;
}

void wwr_explore_futex_wake(uint32_t *word, int num)
{
	unsigned int fibers[EX_MAX_FIBERS];
	unsigned int num_asleep;

	if (ex.current == NULL)
		return;
	ex_point_at("futex", 0, "futex_wake");
	ex_note("wakes", word);
	num_asleep = find_sleepers(word, fibers);
	while (num_asleep > 0 && num-- > 0) {
		/* Which one is the system's business. */
		unsigned int i = num_asleep > 1 ? ex_random(num_asleep) : 0;

		ex_wake(&ex.fibers[fibers[i]], 0);
		fibers[i] = fibers[--num_asleep];
	}
}

void ex_wake_all(const void *word)
{
	unsigned int fibers[EX_MAX_FIBERS];
	unsigned int num_asleep = find_sleepers(word, fibers);

	for (unsigned int i = 0; i < num_asleep; i++)
		ex_wake(&ex.fibers[fibers[i]], 0);
}

bool ex_has_sleeper(const void *word)
{
	unsigned int fibers[EX_MAX_FIBERS];

	return find_sleepers(word, fibers) > 0;
}

void ex_signal(unsigned int fiber)
{
	ex_point("signal");
	if (ex.fibers[fiber].state == EX_ASLEEP)
		ex_wake(&ex.fibers[fiber], -EINTR);
}
