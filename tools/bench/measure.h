/* SPDX-License-Identifier: MIT */
/* Timing of something short, repeated, on one thread. */
#ifndef MEASURE_H
#define MEASURE_H

#include "tools/bench/compare.h"
#include "tools/bench/timing.h"

/* Run `body` so many times; the sample is the nanoseconds that one took. */
#define BENCH_MEASURE(turns, sample, body)                                                         \
	do {                                                                                       \
		const unsigned int turns_ = (turns);                                               \
		struct timing timing_ = timing_begin();                                            \
		for (unsigned int i_ = 0; i_ < turns_; i_++) {                                     \
			body                                                                       \
		}                                                                                  \
		timing_ = timing_end(timing_);                                                     \
		(sample)->value = (double)timing_.wall_ns / turns_;                                \
		(sample)->cpu_share = (double)timing_.cpu_ns / (double)timing_.wall_ns;            \
	} while (0)

/*
 * Start and join a thread: with a second one once started, libc takes no short cuts for programs
 * that have only one.  0, or -1 after a message.
 */
int bench_become_multi_threaded(void);

#endif
