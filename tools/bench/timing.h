/* SPDX-License-Identifier: MIT */
/* Time of a stretch of code on one thread, and work of a known length. */
#ifndef TIMING_H
#define TIMING_H

#include <stdint.h>
#include <time.h>

#include "tools/common/clock.h"

struct timing {
	int64_t wall_ns, cpu_ns;
};

static inline int64_t timing_thread_cpu_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
	return (int64_t)now.tv_sec * CLOCK_NS_PER_S + now.tv_nsec;
}

static inline struct timing timing_begin(void)
{
	return (struct timing){clock_now_ns(), timing_thread_cpu_ns()};
}

/* How long since timing_begin(). */
static inline struct timing timing_end(struct timing begin)
{
	return (struct timing){clock_now_ns() - begin.wall_ns,
			       timing_thread_cpu_ns() - begin.cpu_ns};
}

/* Turns of timing_work() that take so many nanoseconds; measured once, by the first call. */
uint64_t timing_turns(uint64_t work_ns);

/* Out of line and aligned, so that it is the same code for every peer. */
void timing_work(uint64_t turns);

/* The whole machine over a stretch of time, for measurements with several threads. */
struct timing_machine {
	int64_t wall_ns;
	int64_t own_ns;	  /* processor time of this process */
	int64_t total_ns; /* processor time that all processes got, and what was stolen */
};

void timing_machine_begin(struct timing_machine *machine);

/*
 * The share of all processors that was not taken by others since then, 0..1; 1 where the system
 * does not tell.  The system counts in steps of 10 ms.
 */
double timing_machine_share(const struct timing_machine *begin);

#endif
