/* SPDX-License-Identifier: MIT */
#ifndef WWRESV_INTERRUPT_H
#define WWRESV_INTERRUPT_H

#include <stdbool.h>
#include <stdint.h>

#include <wwresv/macros.h>

WWR_BEGIN_DECLS

/**
 * A way to end sleeps from outside: once interrupted it stays so, and every wait that takes this
 * token and would have to sleep returns -EINTR.
 *
 * A token may serve any number of threads and waits, one at a time or together; a thread that
 * sleeps with a token is woken through it, so a token shared by many sleepers wakes them all
 * each time one is woken.  One token a thread is best.  It must outlive the waits that use it.
 */
struct wwr_interrupt_token {
	uint32_t word; /* (a) a park word, see lockset/park.h */
};

#define WWR_INTERRUPT_TOKEN_INIT                                                                   \
	{                                                                                          \
		0                                                                                  \
	}

/**
 * Make a token ready: not interrupted.
 *
 * @param token caller's memory
 * @par Thread safety
 * Not while another thread uses it.
 * @par Kernel counterpart
 * none; a task's pending signals
 */
WWR_API void wwr_interrupt_token_init(struct wwr_interrupt_token *token);

/**
 * Take back an interrupt, so that the token may be used for new waits.
 *
 * @param token no wait may be using it
 * @par Thread safety
 * Any thread.
 * @par Kernel counterpart
 * flush_signals()
 */
WWR_API void wwr_interrupt_token_clear(struct wwr_interrupt_token *token);

/**
 * Has the token been interrupted?
 *
 * @param token borrowed
 * @return true once wwr_interrupt() was called, until the token is cleared
 * @par Thread safety
 * Any thread, signal handlers too.
 * @par Kernel counterpart
 * signal_pending()
 */
WWR_API bool wwr_interrupt_token_is_set(const struct wwr_interrupt_token *token);

/**
 * Interrupt every sleep that uses this token, now and later.
 *
 * @param token borrowed
 * @par Thread safety
 * Any thread; async-signal-safe.
 * @par Kernel counterpart
 * send_sig()
 */
WWR_API void wwr_interrupt(struct wwr_interrupt_token *token);

WWR_END_DECLS

#endif /* WWRESV_INTERRUPT_H */
