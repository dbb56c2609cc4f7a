/* SPDX-License-Identifier: MIT */
#ifndef WWRESV_FENCE_H
#define WWRESV_FENCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <wwresv/macros.h>

WWR_BEGIN_DECLS

struct wwr_fence;
struct wwr_fence_cb;
struct wwr_interrupt_token;
struct wwr_resv_cell;

/**
 * What the driver that makes a fence does for it.  The table outlives its fences, or at least
 * their signals: a fence without a release forgets its table when it signals, and nobody is
 * inside an op any more once wwr_fence_synchronize() has returned.
 */
struct wwr_fence_ops {
	/** Name of the driver, for messages. */
	const char *(*driver_name)(const struct wwr_fence *fence);

	/** Name of the fence's context, for messages. */
	const char *(*timeline_name)(const struct wwr_fence *fence);

	/**
	 * See to it that the fence will signal.  Called once and without a lock, for the
	 * first callback or wait; may call wwr_fence_signal().  false = the work is already
	 * done: the fence is signalled for the driver.  NULL = the fence signals anyway.
	 */
	bool (*enable_signaling)(struct wwr_fence *fence);

	/**
	 * The last reference is gone: give the memory back.  NULL = the fence is what the
	 * library's allocator returned, and goes back there (see <wwresv/alloc.h>).
	 */
	void (*release)(struct wwr_fence *fence);

	/**
	 * Somebody wants the fence signalled by then; a hint.  Called with ever earlier
	 * times, but two threads' calls may overtake each other.  NULL = no use for it.
	 */
	void (*set_deadline)(struct wwr_fence *fence, int64_t deadline_ns);
};

/**
 * A promise that some work will be done: not signalled, and then, once, signalled.
 *
 * Fences of one context signal in the order of their seqno.  A driver embeds this in an object
 * of its own.  Every thread that calls a function with a fence needs a reference for as long as
 * the call lasts, its own or one that it knows to stay; wwr_fence_signal() too.
 *
 * A published fence must signal in finite time, if need be with an error.
 *
 * Which calls may meet, on one fence (each with a reference):
 * - get, put, is_signaled, get_status, timestamp, add_callback, wait, wait_any, signal, describe,
 *   set_deadline: any two, in any threads;
 * - remove_callback of one callback: not with its own add_callback or another remove_callback
 *   of it, else with any;
 * - set_error: not with signal.
 *
 * Fields: (a) atomic, (i) immutable after init, (r) the thread that runs the callbacks.
 */
struct wwr_fence {
	const struct wwr_fence_ops *ops; /* (a) replaced at signal unless it has a release */
	uint64_t context;		 /* (i) */
	uint64_t seqno;			 /* (i) */
	uintptr_t callbacks;		 /* (a) the state and a list, see reservation/fence.c */
	int64_t timestamp_ns;		 /* (a) written once, after the state says signalled */
	int64_t deadline_ns;		 /* (a) the earliest wish */
	int32_t error;			 /* (a) 0 or -errno, written before the signal */
	uint32_t refcount;		 /* (a) */
	uint32_t flags;			 /* (a) reservation/fence_core.h */
	uint32_t park_word;		 /* (a) where threads wait for the list, lockset/park.h */
	uintptr_t runner;		 /* (a) the thread that runs the callbacks */
	struct wwr_fence_cb *pending;	 /* (r) callbacks that did not run yet */
	struct wwr_fence *link;		 /* (r) the next one whose turn is later, fence_thread.h */
	struct wwr_resv_cell *cell;	 /* (a) set once, reservation/resv_cell.h */
};

/** A function called when a fence signals. */
typedef void (*wwr_fence_func)(struct wwr_fence *fence, struct wwr_fence_cb *cb);

/**
 * A callback of a fence: embed it where the function needs its data.
 *
 * Fields: (l) the owner of the fence's list, and before that the thread that adds it.
 */
struct wwr_fence_cb {
	struct wwr_fence_cb *next; /* (l) */
	struct wwr_fence_cb *prev; /* (l) */
	struct wwr_fence *fence;   /* (l) NULL = not waiting to be called */
	wwr_fence_func func;	   /* (l) */
} __attribute__((aligned(8)));

/**
 * Take numbers for new contexts (timelines).
 *
 * @param num how many, at least 1
 * @return the first of @p num consecutive numbers that no other fence has; never 0
 * @par Thread safety
 * Any thread.
 * @par Kernel counterpart
 * dma_fence_context_alloc()
 */
WWR_API uint64_t wwr_fence_context_alloc(unsigned int num);

/**
 * Make a fence ready: not signalled, one reference, the caller's.  Allocates nothing.
 *
 * From here on its memory goes with the last reference only, not otherwise, and reports may call
 * the ops for its names as soon as somebody else has it.
 *
 * @param fence   caller's memory, until the release op is called
 * @param ops     borrowed; the two names are required
 * @param context from wwr_fence_context_alloc()
 * @param seqno   place in the context; later fences have larger ones
 * @par Thread safety
 * Not while another thread uses it.
 * @par Kernel counterpart
 * dma_fence_init64(), but there is no lock to pass
 */
WWR_API void wwr_fence_init(struct wwr_fence *fence, const struct wwr_fence_ops *ops,
			    uint64_t context, uint64_t seqno);

/**
 * Say that the fence depends on what a client does later: it is a software fence, or the work that
 * it stands for waits for one.  Nobody may wait for it while he holds a lock that the client needs
 * first.  Fences made of marked ones are marked, too.
 *
 * @param fence initialised, not published
 * @par Thread safety
 * Not while another thread uses it.
 * @par Kernel counterpart
 * none; the kernel does not let such fences in
 */
WWR_API void wwr_fence_set_client_dependent(struct wwr_fence *fence);

/**
 * Is the fence pending, and depends on what a client does later?
 *
 * @param fence borrowed
 * @return of a fence made of others: is there a pending one among them that does
 * @par Thread safety
 * Any thread.
 * @par Kernel counterpart
 * none
 */
WWR_API bool wwr_fence_is_client_dependent(const struct wwr_fence *fence);

/**
 * Take a reference.
 *
 * @param fence the caller has or borrows a reference already; NULL is passed through
 * @return @p fence
 * @par Thread safety
 * Any thread.
 * @par Kernel counterpart
 * dma_fence_get()
 */
WWR_API struct wwr_fence *wwr_fence_get(struct wwr_fence *fence);

/**
 * Give a reference back; the last one releases the fence.
 *
 * Within eight releases, one inside the other, the release comes once the outermost one is over.
 *
 * A fence that is released unsignalled, though somebody waits for it, is signalled with the
 * error -EDEADLK, so that nobody hangs; debug builds report it.
 *
 * @param fence may be gone afterwards; NULL is a no-op
 * @par Thread safety
 * Any thread.
 * @par Kernel counterpart
 * dma_fence_put()
 */
WWR_API void wwr_fence_put(struct wwr_fence *fence);

/**
 * Say that the work failed.  The usual errors are -ENODATA (this operation only), -ECANCELED (all
 * of the context) and -ETIME (timeout or reset).  Usage error: signalled already.
 *
 * @param fence not signalled
 * @param error from -4095 to -1
 * @par Thread safety
 * The thread that is going to signal the fence.
 * @par Kernel counterpart
 * dma_fence_set_error()
 */
WWR_API void wwr_fence_set_error(struct wwr_fence *fence, int error);

/**
 * Signal now: reads the clock, then as wwr_fence_signal_at().
 *
 * @param fence the caller's reference lasts until this returns
 * @retval 0       signalled by this call
 * @retval -EINVAL signalled already; nothing was changed
 * @par Thread safety
 * Any thread.
 * @par Kernel counterpart
 * dma_fence_signal()
 */
WWR_API int wwr_fence_signal(struct wwr_fence *fence);

/**
 * Signal: marks the fence, then calls its callbacks in the order they were added, in this thread.
 *
 * Within eight callbacks, one inside the other, it only marks: the callbacks come once the
 * outermost one is over, so that a long row of fences that signal each other needs no deep stack.
 *
 * Makes no system call unless somebody sleeps.  Everything written before is seen by whoever sees
 * the fence signalled.
 *
 * @param fence        the caller's reference lasts until this returns
 * @param timestamp_ns CLOCK_MONOTONIC time in nanoseconds, at least 0, read by the caller after
 *                     the work was done; one reading may serve a batch of fences
 * @retval 0       signalled by this call
 * @retval -EINVAL signalled already; nothing was changed
 * @par Thread safety
 * Any thread.
 * @par Kernel counterpart
 * dma_fence_signal_timestamp()
 */
WWR_API int wwr_fence_signal_at(struct wwr_fence *fence, int64_t timestamp_ns);

/**
 * Has it signalled, with or without an error?
 *
 * @param fence borrowed
 * @par Thread safety
 * Any thread.
 * @par Kernel counterpart
 * dma_fence_is_signaled()
 */
WWR_API bool wwr_fence_is_signaled(const struct wwr_fence *fence);

/**
 * How did it end?
 *
 * @param fence borrowed
 * @return 0 not signalled, 1 done, negative: the error
 * @par Thread safety
 * Any thread.
 * @par Kernel counterpart
 * dma_fence_get_status()
 */
WWR_API int wwr_fence_get_status(const struct wwr_fence *fence);

/**
 * When did it signal?
 *
 * @param fence borrowed
 * @return CLOCK_MONOTONIC time in nanoseconds; 0 not signalled
 * @par Thread safety
 * Any thread.
 * @par Kernel counterpart
 * dma_fence_timestamp()
 */
WWR_API int64_t wwr_fence_timestamp(const struct wwr_fence *fence);

/**
 * Have a function called once, when the fence signals, by the thread that signals it.
 *
 * The function must not lock a reservation, wait, or allocate.  It may free @p cb, signal
 * other fences, drop references that it owns, and remove callbacks of this fence.
 *
 * @param fence borrowed: the caller keeps a reference until the function was called or removed
 * @param cb    caller's memory, until the function is called or the callback removed
 * @param func  gets @p fence and @p cb
 * @retval 0       it will be called, or is being called by now
 * @retval -ENOENT signalled already: @p func is never called
 * @par Thread safety
 * Any thread.
 * @par Kernel counterpart
 * dma_fence_add_callback()
 */
WWR_API WWR_MUST_CHECK int wwr_fence_add_callback(struct wwr_fence *fence, struct wwr_fence_cb *cb,
						  wwr_fence_func func);

/**
 * Take a callback back.  Waits for a running signal to finish calling its functions.
 *
 * Inside a callback of the same fence it does not wait: callbacks that did not run yet can be
 * removed, the running one gives false.  Inside a callback of another fence it must not be called
 * if one of this fence's might do the same there.
 *
 * @param fence the one it was added to
 * @param cb    added before, or zeroed
 * @retval true  the function was not called and will not be
 * @retval false the function was called and has returned (or @p cb is not waiting at all)
 * @par Thread safety
 * Any thread, one at a time for each callback.
 * @par Kernel counterpart
 * dma_fence_remove_callback()
 */
WWR_API bool wwr_fence_remove_callback(struct wwr_fence *fence, struct wwr_fence_cb *cb);

/**
 * Sleep until the fence has signalled.  A signalled fence always gives 0.
 *
 * Usage error: the fence depends on a client's later action (wwr_fence_set_client_dependent()), and
 * the thread holds a mutex, which that client may want.  A poll is no wait.
 *
 * @param fence       borrowed
 * @param token       ends the sleep when interrupted; NULL = nothing does
 * @param deadline_ns absolute CLOCK_MONOTONIC time in nanoseconds; 0 polls, INT64_MAX waits
 *                    for ever
 * @retval 0      signalled, maybe with an error
 * @retval -ETIME @p deadline_ns passed first
 * @retval -EINTR the token was interrupted, or a signal handler ran during a sleep with a token
 * @par Thread safety
 * Any thread; never from a fence callback.
 * @par Kernel counterpart
 * dma_fence_wait_timeout(), but a deadline in ns instead of jiffies
 */
WWR_API WWR_MUST_CHECK int wwr_fence_wait_until(struct wwr_fence *fence,
						struct wwr_interrupt_token *token,
						int64_t deadline_ns);

/**
 * Sleep until one of several fences has signalled.  Usage error: as for wwr_fence_wait_until(), for
 * any of the fences.
 *
 * @param num         of @p fences, at least 1
 * @param fences      borrowed; the same one may stand there twice
 * @param token       ends the sleep when interrupted; NULL = nothing does
 * @param deadline_ns absolute CLOCK_MONOTONIC time in nanoseconds; 0 polls, INT64_MAX waits
 *                    for ever
 * @param ret_index   of the first in @p fences that has signalled before the sleep, or else of the
 *                    one whose signal ended it
 * @retval 0       one has signalled, maybe with an error
 * @retval -EINVAL @p num is 0
 * @retval -ENOMEM no memory for a callback each; not if one has signalled, nor for a poll
 * @retval -ETIME  @p deadline_ns passed first
 * @retval -EINTR  the token was interrupted, or a signal handler ran during a sleep with a token
 * @par Thread safety
 * Any thread; never from a fence callback.
 * @par Kernel counterpart
 * dma_fence_wait_any_timeout(), but a deadline in ns instead of jiffies
 */
WWR_API WWR_MUST_CHECK int wwr_fence_wait_any(unsigned int num, struct wwr_fence *const *fences,
					      struct wwr_interrupt_token *token,
					      int64_t deadline_ns, unsigned int *ret_index);

/**
 * Say by when the fence is wanted.  A hint: passed on if it is earlier than every wish before.
 *
 * @param fence       borrowed
 * @param deadline_ns absolute CLOCK_MONOTONIC time in nanoseconds
 * @par Thread safety
 * Any thread.
 * @par Kernel counterpart
 * dma_fence_set_deadline()
 */
WWR_API void wwr_fence_set_deadline(struct wwr_fence *fence, int64_t deadline_ns);

/**
 * Does a fence come after another one of its context?  Usage error: the contexts differ.
 *
 * @param a borrowed
 * @param b borrowed, of the same context
 * @return the signed 64-bit difference of the numbers is positive
 * @par Thread safety
 * Any thread.
 * @par Kernel counterpart
 * dma_fence_is_later()
 */
WWR_API bool wwr_fence_is_later(const struct wwr_fence *a, const struct wwr_fence *b);

/**
 * The global fence that has signalled already, without an error.
 *
 * @return a reference
 * @par Thread safety
 * Any thread.
 * @par Kernel counterpart
 * dma_fence_get_stub()
 */
WWR_API struct wwr_fence *wwr_fence_stub(void);

/**
 * A fence of one's own that has signalled already, at a time and maybe with an error of its own.
 *
 * @param timestamp_ns CLOCK_MONOTONIC time in nanoseconds, at least 0
 * @param error        from -4095 to -1, or 0 = none
 * @return the only reference, or NULL: no memory
 * @par Thread safety
 * Any thread.
 * @par Kernel counterpart
 * dma_fence_allocate_private_stub()
 */
WWR_API struct wwr_fence *wwr_fence_stub_create(int64_t timestamp_ns, int error);

/**
 * Wait until nobody is inside an op of a fence that has signalled before this call.
 *
 * A driver whose fences have no release may go away afterwards, table, code and all: a signalled
 * fence has forgotten its table, but another thread may have looked at it just before.  Fences
 * that have not signalled yet must do so first.
 *
 * @par Thread safety
 * Any thread; never from an op or a callback of a fence.
 * @par Kernel counterpart
 * synchronize_rcu(), as drivers have to call it before they go away
 */
WWR_API void wwr_fence_synchronize(void);

/**
 * Write "driver timeline context:seqno status" for a person to read; no newline.
 *
 * @param fence      borrowed
 * @param ret_text   written, with a terminator, if @p size_bytes is not 0
 * @param size_bytes room in @p ret_text
 * @return the length of the whole text, as snprintf() has it
 * @par Thread safety
 * Any thread.
 * @par Kernel counterpart
 * dma_fence_describe()
 */
WWR_API int wwr_fence_describe(const struct wwr_fence *fence, char *ret_text, size_t size_bytes);

WWR_END_DECLS

#endif /* WWRESV_FENCE_H */
