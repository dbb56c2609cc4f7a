/* SPDX-License-Identifier: MIT */
#ifndef WWRESV_MACROS_H
#define WWRESV_MACROS_H

#include <stddef.h>

#ifdef __cplusplus
#define WWR_BEGIN_DECLS extern "C" {
#define WWR_END_DECLS	}
#else
#define WWR_BEGIN_DECLS
#define WWR_END_DECLS
#endif

/** Exported from the shared library; everything else is hidden. */
#define WWR_API __attribute__((visibility("default")))

/** The result says whether a lock is held or an object exists: ignoring it is a bug. */
#define WWR_MUST_CHECK __attribute__((warn_unused_result))

/** Alignment of data that several threads write: one cache line of its own. */
#define WWR_CACHE_LINE	  64
#define WWR_CACHE_ALIGNED __attribute__((aligned(WWR_CACHE_LINE)))

/**
 * From a pointer to a member to the structure that holds it.
 *
 * @param ptr    pointer to the member
 * @param type   the enclosing structure's type
 * @param member the member's name inside @p type
 */
#define WWR_CONTAINER_OF(ptr, type, member) ((type *)((char *)(ptr)-offsetof(type, member)))

/*
 * What a function does to a lock, for Clang's -Wthread-safety.  After a lock call test the result
 * with != 0: the analysis does not understand < 0.
 */
#if defined(__clang__) && !defined(SWIG)
#define WWR_CAPABILITY(name)	      __attribute__((capability(name)))
#define WWR_ACQUIRES(...)	      __attribute__((acquire_capability(__VA_ARGS__)))
#define WWR_ACQUIRES_IF(result, lock) __attribute__((try_acquire_capability(result, lock)))
#define WWR_RELEASES(...)	      __attribute__((release_capability(__VA_ARGS__)))
#define WWR_REQUIRES(...)	      __attribute__((requires_capability(__VA_ARGS__)))
#define WWR_ASSERTS_HELD(lock)	      __attribute__((assert_capability(lock)))
#define WWR_NO_ANALYSIS		      __attribute__((no_thread_safety_analysis))
#else
#define WWR_CAPABILITY(name)
#define WWR_ACQUIRES(...)
#define WWR_ACQUIRES_IF(result, lock)
#define WWR_RELEASES(...)
#define WWR_REQUIRES(...)
#define WWR_ASSERTS_HELD(lock)
#define WWR_NO_ANALYSIS
#endif

#endif /* WWRESV_MACROS_H */
