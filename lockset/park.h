/* SPDX-License-Identifier: MIT */
#ifndef LOCKSET_PARK_H
#define LOCKSET_PARK_H

#include <stdbool.h>
#include <stdint.h>

#include <wwresv/interrupt.h>

#include "lockset/lock_order.h"

/*
 * Sleeping and waking, by one 32-bit park word a sleeper.
 *
 * A park word is a count of wake-ups with two flags:
 *   PARK_INTERRUPTED  sticky; only tokens have it
 *   PARK_SLEEPING     somebody may be asleep on the word: whoever changes it must wake
 * A sleeper reads the word (park_begin), then tests what it waits for, then sleeps only if the
 * word has not changed since (park_sleep).  A waker first makes true what is waited for, then
 * changes the word (park_unpark).  So either the sleeper sees the truth or the word has changed.
 *
 * A thread that may be interrupted sleeps on the token's word instead of its own.  A token's word
 * may so have several sleepers; each wake-up wakes them all and they test again.
 *
 * The word must be there until park_unpark() has returned, but not for park_wake(): that one gives
 * the address to the system and never looks at it.
 */
#define PARK_INTERRUPTED 1u
#define PARK_SLEEPING	 2u
#define PARK_STEP	 4u

/* No deadline. */
#define PARK_FOREVER INT64_MAX

/* Where to sleep: on the token if there is one, else on a word of one's own. */
static inline uint32_t *park_word(struct wwr_interrupt_token *token, uint32_t *own_word)
{
	return token != NULL ? &token->word : own_word;
}

/* The word's value before the sleeper tests what it waits for. */
uint32_t park_begin(uint32_t *word);

/*
 * Sleep unless the word differs from what park_begin() returned.  May wake for no reason.
 * 0, -ETIME after deadline_ns (absolute, CLOCK_MONOTONIC), -EINTR after a signal handler ran during
 * the sleep (only when interruptible; a token's flag is for the caller to test).  -ETIME also if
 * the word differs and it is too late: a word that others change all the time keeps nobody for
 * ever.
 */
int park_sleep(uint32_t *word, uint32_t seen, int64_t deadline_ns, bool interruptible);

/* Change the word; true = park_wake() must follow.  Async-signal-safe, as is park_wake(). */
bool park_unpark(uint32_t *word);

/* Wake every sleeper of this address. */
void park_wake(uint32_t *word);

/* Both at once, where the word is sure to live on. */
void park_unpark_and_wake(uint32_t *word);

/* CLOCK_MONOTONIC in nanoseconds. */
int64_t park_now_ns(void);

/*
 * Wake-ups collected under a wait lock and carried out after it: a system call inside would keep
 * everybody else out.
 */
#define PARK_LIST_MAX 8

struct park_list {
	unsigned int num;
	uint32_t *words[PARK_LIST_MAX];
};

/* park_unpark(), with the wake-up left for park_list_wake(). */
void park_list_unpark(struct park_list *list, uint32_t *word);

void park_list_wake(struct park_list *list);

/*
 * The wait lock: a plain futex mutex for a few dozen instructions at a time.  Zero is unlocked.
 * After wait_unlock() has stored, the lock's memory may go.
 */
void wait_lock(uint32_t *lock);
void wait_unlock(uint32_t *lock);

/* The same, with its place in the order of the library's locks, which debug builds check. */
static inline void wait_lock_ranked(uint32_t *lock, enum lock_rank rank)
{
	lock_order_enter(lock, rank);
	wait_lock(lock);
}

#endif /* LOCKSET_PARK_H */
