/* SPDX-License-Identifier: MIT */
#ifndef WWR_ATOMIC_H
#define WWR_ATOMIC_H

/*
 * Every atomic access of the libraries goes through these macros: plain aligned integers and
 * pointers, the compiler's builtins, no stand-alone fences.  So ThreadSanitizer sees each access,
 * and a build with WWR_EXPLORE gives control to the schedule explorer before each one.
 *
 * Each use names its order and its pair in a comment.
 */

#define WWR_RELAXED __ATOMIC_RELAXED
#define WWR_ACQUIRE __ATOMIC_ACQUIRE
#define WWR_RELEASE __ATOMIC_RELEASE
#define WWR_ACQ_REL __ATOMIC_ACQ_REL
#define WWR_SEQ_CST __ATOMIC_SEQ_CST

#ifdef WWR_EXPLORE
/* Defined by the explorer: one scheduling point. */
void wwr_explore_point(const char *file, int line, const char *what, const volatile void *ptr);
#define WWR_ATOMIC_POINT(what, ptr) wwr_explore_point(__FILE__, __LINE__, what, ptr)
#else
#define WWR_ATOMIC_POINT(what, ptr) ((void)0)
#endif

#define wwr_atomic_load(ptr, order) (WWR_ATOMIC_POINT("load", ptr), __atomic_load_n(ptr, order))
#define wwr_atomic_store(ptr, value, order)                                                        \
	(WWR_ATOMIC_POINT("store", ptr), __atomic_store_n(ptr, value, order))
#define wwr_atomic_exchange(ptr, value, order)                                                     \
	(WWR_ATOMIC_POINT("exchange", ptr), __atomic_exchange_n(ptr, value, order))
#define wwr_atomic_fetch_add(ptr, value, order)                                                    \
	(WWR_ATOMIC_POINT("fetch_add", ptr), __atomic_fetch_add(ptr, value, order))
#define wwr_atomic_fetch_sub(ptr, value, order)                                                    \
	(WWR_ATOMIC_POINT("fetch_sub", ptr), __atomic_fetch_sub(ptr, value, order))
#define wwr_atomic_fetch_or(ptr, value, order)                                                     \
	(WWR_ATOMIC_POINT("fetch_or", ptr), __atomic_fetch_or(ptr, value, order))
#define wwr_atomic_fetch_and(ptr, value, order)                                                    \
	(WWR_ATOMIC_POINT("fetch_and", ptr), __atomic_fetch_and(ptr, value, order))

/*
 * Compare and exchange, strong; *expected is written on failure.  The order on failure is the
 * acquire part of the order on success.
 */
#define wwr_atomic_cas(ptr, expected, value, order)                                                \
	(WWR_ATOMIC_POINT("cas", ptr),                                                             \
	 __atomic_compare_exchange_n(ptr, expected, value, 0, order,                               \
				     (order) == WWR_RELEASE   ? WWR_RELAXED                        \
				     : (order) == WWR_ACQ_REL ? WWR_ACQUIRE                        \
							      : (order)))

/* For spin loops: tells the core that another one is awaited. */
#if defined(__x86_64__) || defined(__i386__)
#define wwr_atomic_pause() __builtin_ia32_pause()
#else
#define wwr_atomic_pause() ((void)0)
#endif

#endif /* WWR_ATOMIC_H */
