/* SPDX-License-Identifier: MIT */
#ifndef TESTS_WEAK_WEAK_H
#define TESTS_WEAK_WEAK_H

/*
 * The atomic layer of the libraries on relacy, which runs threads in many orders and lets a load
 * see any value that its memory order allows.  Stands in the place of lockset/wwr_atomic.h.
 */
#include <relacy/relacy.hpp>

/* relacy has one of its own. */
#undef errno
#define errno (*__errno_location())

#include <stdint.h>

typedef rl::atomic<unsigned int> weak_word;
typedef rl::atomic<uintptr_t> weak_pointer;

/* A plain field: two accesses that nothing orders are a failure. */
template <typename type> using weak_var = rl::var<type>;

/* relacy's atomics are not to be loaded through a const pointer. */
template <typename type> type &weak(const type *ptr)
{
	return *const_cast<type *>(ptr);
}

/* The order of this number is changed to that; no order has the number 0. */
extern int weak_number;
extern rl::memory_order weak_way;

static inline rl::memory_order weak_order(int number, rl::memory_order order)
{
	return number == weak_number ? weak_way : order;
}

#define WWR_RELAXED rl::mo_relaxed
#define WWR_ACQUIRE rl::mo_acquire
#define WWR_RELEASE rl::mo_release
#define WWR_ACQ_REL rl::mo_acq_rel
#define WWR_SEQ_CST rl::mo_seq_cst

#define wwr_atomic_load(ptr, order)		weak(ptr)($).load(order)
#define wwr_atomic_store(ptr, value, order)	weak(ptr)($).store(value, order)
#define wwr_atomic_exchange(ptr, value, order)	weak(ptr)($).exchange(value, order)
#define wwr_atomic_fetch_and(ptr, value, order) weak(ptr)($).fetch_and(value, order)
#define wwr_atomic_fetch_or(ptr, value, order)	weak(ptr)($).fetch_or(value, order)
#define wwr_atomic_cas(ptr, expected, value, order)                                                \
	weak(ptr)($).compare_exchange_strong(*(expected), value, order)
#define wwr_atomic_pause() ((void)0)

#endif /* TESTS_WEAK_WEAK_H */
