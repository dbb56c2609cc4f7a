/* SPDX-License-Identifier: MIT */
#ifndef WWRESV_RESV_H
#define WWRESV_RESV_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <wwresv/macros.h>
#include <wwresv/mutex.h>

WWR_BEGIN_DECLS

struct wwr_class;
struct wwr_fence;
struct wwr_interrupt_token;
struct wwr_resv_cell;
struct wwr_resv_table;

/**
 * What a fence's work does with the buffer.  Who asks for a usage gets the fences of that one
 * and of all lower ones.
 *
 * | I want to                     | I wait for                   |
 * |-------------------------------|------------------------------|
 * | move or free the memory       | BOOKKEEP: everything         |
 * | write (implicit sync)         | READ: kernel, write and read |
 * | read (implicit sync)          | WRITE: kernel and write      |
 * | submit with explicit sync     | KERNEL only                  |
 */
enum wwr_resv_usage {
	/** The memory itself is moved, cleared or bound: everybody waits. */
	WWR_RESV_USAGE_KERNEL,
	/** Writes, under implicit synchronisation. */
	WWR_RESV_USAGE_WRITE,
	/** Reads, under implicit synchronisation. */
	WWR_RESV_USAGE_READ,
	/** Uses the memory, but takes no part in implicit synchronisation. */
	WWR_RESV_USAGE_BOOKKEEP,
};

/**
 * Whose fences an access waits for, under implicit synchronisation.
 *
 * @param write the access writes
 * @return READ for a write, WRITE for a read
 * @par Thread safety
 * Any thread.
 * @par Kernel counterpart
 * dma_resv_usage_rw()
 */
static inline enum wwr_resv_usage wwr_resv_usage_rw(bool write)
{
	return write ? WWR_RESV_USAGE_READ : WWR_RESV_USAGE_WRITE;
}

/**
 * A reservation object: the lock of a buffer, and the fences of the work that uses it.
 *
 * Several buffers may share one.
 *
 * Which calls may meet, on one reservation:
 * - those that need the lock: one thread at a time, since only one holds it;
 * - the readers, which need no lock (get_fences, get_singleton, wait_until, test_signaled,
 *   set_deadline, describe, a cursor, the source of copy_fences): any two, in any threads, and
 *   with each of those that need the lock; the lock's holder may call them, too;
 * - init and fini: with nothing.
 *
 * Fields: (m) the mutex, (t) the mutex and table_lock, (a) atomic, written as (t).
 */
struct wwr_resv {
	struct wwr_mutex mutex;	      /**< lock it through a set, a context, or alone */
	struct wwr_resv_table *table; /* (a) NULL = no fence was ever reserved */
	struct wwr_resv_cell *cells;  /* (m) spare ones, reservation/resv_cell.h */
	uint32_t num_cells;	      /* (m) */
	uint32_t num_fences;	      /* (t) */
	uint64_t num_changes;	      /* (a) tells readers that the fences are other ones */
	uint64_t idle;	     /* (a) when a reader saw that all had signalled, and of what usage */
	uint32_t table_lock; /* a wait lock, lockset/park.h */
	uint32_t num_slots;  /* (m) fences that may be appended in this hold */
	uint32_t slots_hold; /* (m) the hold of the mutex that num_slots belongs to */
};

/**
 * Make a reservation object ready: unlocked, without fences.
 *
 * @param resv       caller's memory
 * @param lock_class of all reservations that are locked together; NULL = wwr_default_class()
 * @par Thread safety
 * Not while another thread uses it.
 * @par Kernel counterpart
 * dma_resv_init()
 */
WWR_API void wwr_resv_init(struct wwr_resv *resv, struct wwr_class *lock_class);

/**
 * End a reservation object: drops its references, signalled or not.  Usage error: locked.
 *
 * @param resv initialised
 * @par Thread safety
 * Not while another thread uses it.
 * @par Kernel counterpart
 * dma_resv_fini()
 */
WWR_API void wwr_resv_fini(struct wwr_resv *resv);

/**
 * Make sure that the next @p num_fences calls of wwr_resv_add_fence() have room.
 *
 * Slots last until the mutex is unlocked; what is unused then is gone.  Drops signalled fences
 * when there is no more room.  Two calls do not add up: the larger number counts.
 *
 * @param resv       locked
 * @param num_fences at least 1
 * @retval 0       as many fences can be added before the unlock
 * @retval -EINVAL @p num_fences is 0
 * @retval -EPERM  not locked by this thread
 * @retval -ENOMEM no memory; slots reserved before are still there
 * @par Thread safety
 * The thread that holds the lock.
 * @par Kernel counterpart
 * dma_resv_reserve_fences()
 */
WWR_API WWR_MUST_CHECK int wwr_resv_reserve_fences(struct wwr_resv *resv, unsigned int num_fences)
    WWR_REQUIRES(resv->mutex);

/**
 * Add a fence.
 *
 * Takes the place of the first fence that is signalled, or that is of the same context, of the
 * same or a higher usage, and not later than @p fence; that needs no slot.  Otherwise it uses up
 * a slot.  Debug builds report each misuse.
 *
 * @param resv  locked
 * @param fence the reservation takes a reference of its own
 * @param usage what the fence's work does with the buffer
 * @retval 0       added
 * @retval -ENOSPC no slot was reserved; nothing was changed
 * @retval -EINVAL no fence, no such usage, or @p fence is made of other fences
 * @retval -EPERM  not locked by this thread
 * @par Thread safety
 * The thread that holds the lock.
 * @par Kernel counterpart
 * dma_resv_add_fence(), which stops the kernel when there is no slot
 */
WWR_API WWR_MUST_CHECK int wwr_resv_add_fence(struct wwr_resv *resv, struct wwr_fence *fence,
					      enum wwr_resv_usage usage) WWR_REQUIRES(resv->mutex);

/**
 * Put a fence in the place of every fence of a context, for instance when their work was
 * preempted for good.  Needs no slot.
 *
 * @param resv    locked
 * @param context whose fences go
 * @param fence   the reservation takes references of its own
 * @param usage   what the new fence's work does with the buffer
 * @retval 0       done, also when there was none
 * @retval -EINVAL no fence, no such usage, or @p fence is made of other fences
 * @retval -EPERM  not locked by this thread
 * @par Thread safety
 * The thread that holds the lock.
 * @par Kernel counterpart
 * dma_resv_replace_fences()
 */
WWR_API WWR_MUST_CHECK int wwr_resv_replace_fences(struct wwr_resv *resv, uint64_t context,
						   struct wwr_fence *fence,
						   enum wwr_resv_usage usage)
    WWR_REQUIRES(resv->mutex);

/**
 * Put the pending fences of another reservation in the place of all that are there, each once and
 * with its lowest usage; what was there is forgotten.  Needs no slot; slots reserved before are
 * still there.  Takes time with the square of the number of fences.
 *
 * @param resv locked
 * @param from borrowed; need not be locked.  The same as @p resv: nothing happens
 * @retval 0       done
 * @retval -EPERM  @p resv is not locked by this thread
 * @retval -ENOMEM no memory; nothing was changed but that signalled fences may be gone
 * @par Thread safety
 * The thread that holds the lock of @p resv.
 * @par Kernel counterpart
 * dma_resv_copy_fences()
 */
WWR_API WWR_MUST_CHECK int wwr_resv_copy_fences(struct wwr_resv *resv, struct wwr_resv *from)
    WWR_REQUIRES(resv->mutex);

/**
 * A walk over the fences of a locked reservation.  Fields: private, the calling thread only.
 */
struct wwr_resv_iter {
	struct wwr_resv *resv;
	enum wwr_resv_usage usage;	 /* asked for */
	enum wwr_resv_usage fence_usage; /* of the fence returned last */
	unsigned int index;		 /* of the next entry to look at */
};

/**
 * Begin to look at the fences of a usage and all lower ones.
 *
 * There is nothing to end.  Adding a fence during the walk may show it or not.  Usage error: not
 * locked by this thread.
 *
 * @param iter  caller's memory
 * @param resv  locked until the walk is over
 * @param usage the highest one asked for
 * @par Thread safety
 * The thread that holds the lock.
 * @par Kernel counterpart
 * dma_resv_iter_begin()
 */
WWR_API void wwr_resv_iter_begin(struct wwr_resv_iter *iter, struct wwr_resv *resv,
				 enum wwr_resv_usage usage) WWR_REQUIRES(resv->mutex);

/**
 * The next fence, signalled ones too.
 *
 * @param iter begun; the lock is still held
 * @return borrowed, valid while the lock is held and the fence not replaced; NULL = no more
 * @par Thread safety
 * The thread that holds the lock.
 * @par Kernel counterpart
 * dma_resv_iter_next()
 */
WWR_API struct wwr_fence *wwr_resv_iter_next(struct wwr_resv_iter *iter);

/**
 * The usage of the fence that wwr_resv_iter_next() returned last.
 *
 * @param iter wwr_resv_iter_next() did not return NULL
 * @par Thread safety
 * The thread that holds the lock.
 * @par Kernel counterpart
 * dma_resv_iter_usage()
 */
static inline enum wwr_resv_usage wwr_resv_iter_usage(const struct wwr_resv_iter *iter)
{
	return iter->fence_usage;
}

/**
 * A walk over the pending fences of a reservation that need not be locked.
 *
 * When fences were added or replaced since the walk began it begins anew and says so, at most
 * a few times; then it goes on to the end whatever happens.  In any case it shows every fence that
 * was there when it began and is there and pending at its end.
 *
 * Fields: private, the calling thread only.
 */
struct wwr_resv_cursor {
	struct wwr_resv *resv;
	struct wwr_fence *fence;	 /* a reference of the one returned last, or NULL */
	enum wwr_resv_usage usage;	 /* asked for */
	enum wwr_resv_usage fence_usage; /* of the fence returned last */
	uint32_t index;			 /* of the next entry to look at */
	uint32_t num_entries;		 /* that there were when the walk began, or began anew */
	uint64_t num_changes;		 /* the reservation's, then */
	uint32_t num_restarts;
	bool is_restarted;
};

/**
 * Begin to look at the pending fences of a usage and all lower ones.
 *
 * @param cursor caller's memory; ended by wwr_resv_cursor_end()
 * @param resv   borrowed until the end; need not be locked
 * @param usage  the highest one asked for
 * @par Thread safety
 * Any thread.
 * @par Kernel counterpart
 * dma_resv_iter_begin()
 */
WWR_API void wwr_resv_cursor_begin(struct wwr_resv_cursor *cursor, struct wwr_resv *resv,
				   enum wwr_resv_usage usage);

/**
 * The next fence that has not signalled.
 *
 * @param cursor begun
 * @return borrowed: the cursor has a reference until it is asked for the next one, or ended.
 *         NULL = no more
 * @par Thread safety
 * The thread that began it.
 * @par Kernel counterpart
 * dma_resv_iter_first_unlocked(), dma_resv_iter_next_unlocked()
 */
WWR_API struct wwr_fence *wwr_resv_cursor_next(struct wwr_resv_cursor *cursor);

/**
 * Did the walk begin anew with the last wwr_resv_cursor_next()?  Then what was collected before is
 * to be forgotten, also if that was NULL.
 *
 * @param cursor begun
 * @par Thread safety
 * The thread that began it.
 * @par Kernel counterpart
 * dma_resv_iter_is_restarted(), but false for the first fence of all
 */
static inline bool wwr_resv_cursor_is_restarted(const struct wwr_resv_cursor *cursor)
{
	return cursor->is_restarted;
}

/**
 * The usage of the fence that wwr_resv_cursor_next() returned last.
 *
 * @param cursor wwr_resv_cursor_next() did not return NULL
 * @par Thread safety
 * The thread that began it.
 * @par Kernel counterpart
 * dma_resv_iter_usage()
 */
static inline enum wwr_resv_usage wwr_resv_cursor_usage(const struct wwr_resv_cursor *cursor)
{
	return cursor->fence_usage;
}

/**
 * End a walk, at its end or earlier: drops the cursor's reference.
 *
 * @param cursor begun
 * @par Thread safety
 * The thread that began it.
 * @par Kernel counterpart
 * dma_resv_iter_end()
 */
WWR_API void wwr_resv_cursor_end(struct wwr_resv_cursor *cursor);

/**
 * Copy the list of fences that have not signalled yet.
 *
 * @param resv       borrowed; need not be locked
 * @param usage      copies fences of this usage and of all lower ones
 * @param ret_num    how many there are, maybe 0
 * @param ret_fences an array, each entry a reference; give both back with
 *                   wwr_resv_put_fences().  NULL when there are none
 * @retval 0       done
 * @retval -ENOMEM no memory for the array
 * @par Thread safety
 * Any thread.
 * @par Kernel counterpart
 * dma_resv_get_fences()
 */
WWR_API WWR_MUST_CHECK int wwr_resv_get_fences(struct wwr_resv *resv, enum wwr_resv_usage usage,
					       unsigned int *ret_num,
					       struct wwr_fence ***ret_fences);

/**
 * Give back what wwr_resv_get_fences() returned: the references and the array.
 *
 * @param num    entries of @p fences
 * @param fences NULL is a no-op
 * @par Thread safety
 * Any thread.
 * @par Kernel counterpart
 * none; dma_fence_put() and kfree()
 */
WWR_API void wwr_resv_put_fences(unsigned int num, struct wwr_fence **fences);

/**
 * The fences that have not signalled yet, as one fence.
 *
 * @param resv      borrowed; need not be locked
 * @param usage     fences of this usage and of all lower ones
 * @param ret_fence NULL when there are none; the fence when there is one; else a
 *                  wwr_fence_array_create() of all.  A reference
 * @retval 0       done
 * @retval -ENOMEM no memory for the list, or for the array
 * @par Thread safety
 * Any thread.
 * @par Kernel counterpart
 * dma_resv_get_singleton()
 */
WWR_API WWR_MUST_CHECK int wwr_resv_get_singleton(struct wwr_resv *resv, enum wwr_resv_usage usage,
						  struct wwr_fence **ret_fence);

/**
 * Wait until the fences that are there now have signalled.  Needs no memory.
 *
 * Fences that are added later do not prolong the wait.  Only where more than 16 are pending at the
 * beginning it may have to wait for later ones, too: for one in each place of an earlier one.
 *
 * @param resv        borrowed; need not be locked
 * @param usage       waits for fences of this usage and of all lower ones
 * @param token       ends the sleep when interrupted; NULL = nothing does
 * @param deadline_ns absolute CLOCK_MONOTONIC time in nanoseconds; 0 polls, INT64_MAX waits
 *                    for ever
 * @retval 0      every such fence has signalled, maybe with an error
 * @retval -ETIME @p deadline_ns passed first
 * @retval -EINTR the token was interrupted, or a signal handler ran during a sleep with a token
 * @par Thread safety
 * Any thread; never from a fence callback.
 * @par Kernel counterpart
 * dma_resv_wait_timeout(), but a deadline in ns instead of jiffies
 */
WWR_API WWR_MUST_CHECK int wwr_resv_wait_until(struct wwr_resv *resv, enum wwr_resv_usage usage,
					       struct wwr_interrupt_token *token,
					       int64_t deadline_ns);

/**
 * Have the fences of a usage and of all lower ones signalled?
 *
 * Takes no lock and no reference; the first to find that all have signalled notes it in a word of
 * the reservation, for those who ask later.  (It asks under a lock only about a fence that was
 * added without a slot while there was no memory.)  True: every fence that was there at the call
 * has signalled, or one of its context that comes after it, or it was replaced; what its work wrote
 * is seen.  False: there was a pending one during the call.  A fence counts as signalled here at
 * the latest when its callbacks are called.
 *
 * @param resv  borrowed; need not be locked
 * @param usage the highest one asked for
 * @par Thread safety
 * Any thread.
 * @par Kernel counterpart
 * dma_resv_test_signaled()
 */
WWR_API bool wwr_resv_test_signaled(struct wwr_resv *resv, enum wwr_resv_usage usage);

/**
 * Say by when the fences that are there now are wanted: a hint to each pending one.
 *
 * @param resv        borrowed; need not be locked
 * @param usage       for fences of this usage and of all lower ones
 * @param deadline_ns absolute CLOCK_MONOTONIC time in nanoseconds
 * @par Thread safety
 * Any thread.
 * @par Kernel counterpart
 * dma_resv_set_deadline()
 */
WWR_API void wwr_resv_set_deadline(struct wwr_resv *resv, enum wwr_resv_usage usage,
				   int64_t deadline_ns);

/**
 * Write the fences of all usages for a person to read, signalled ones too: a line each, with its
 * usage and what wwr_fence_describe() says.
 *
 * @param resv       borrowed; need not be locked
 * @param ret_text   written, with a terminator, if @p size_bytes is not 0
 * @param size_bytes room in @p ret_text
 * @return the length of the whole text, as snprintf() has it
 * @par Thread safety
 * Any thread.
 * @par Kernel counterpart
 * dma_resv_describe(), which leaves out the usage BOOKKEEP
 */
WWR_API int wwr_resv_describe(struct wwr_resv *resv, char *ret_text, size_t size_bytes);

WWR_END_DECLS

#endif /* WWRESV_RESV_H */
