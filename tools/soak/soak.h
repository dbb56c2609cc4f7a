/* SPDX-License-Identifier: MIT */
/* `wwresv soak`: rounds of random work until the time is over or an invariant breaks. */
#ifndef SOAK_H
#define SOAK_H

#include <stdint.h>

/* argv[0] is "soak".  Returns the exit code. */
int soak_main(int argc, char **argv);

/* What all rounds so far came to. */
struct soak_totals {
	uint64_t num_lock_rounds, num_job_rounds;
	uint64_t num_transactions; /* of lock rounds, committed */
	uint64_t num_given_up;	   /* ended by an interrupt, a deadline or the retry limit */
	uint64_t num_jobs;	   /* of job rounds, completed */
	uint64_t num_buffers;	   /* compared with the replay */
	uint64_t num_backoffs;
	uint64_t num_injected;
	uint64_t num_fallbacks;
	uint32_t max_losses;   /* of one transaction, under the default policy */
	uint32_t max_restarts; /* of one transaction, under classic rules */
	uint64_t num_violations;
};

/*
 * One round; everything in it follows from the seed.  Adds to the totals and prints each
 * violation on stderr.  Returns 0, or -ENOMEM or -EAGAIN after a message when it could not run.
 */
int soak_lock_round(uint64_t seed, struct soak_totals *totals);
int soak_job_round(uint64_t seed, struct soak_totals *totals);

/* Report a broken invariant of the round with this seed. */
void soak_violation(struct soak_totals *totals, uint64_t seed, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#endif
