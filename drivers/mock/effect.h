/* SPDX-License-Identifier: MIT */
#ifndef DRIVERS_MOCK_EFFECT_H
#define DRIVERS_MOCK_EFFECT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <wwresv/macros.h>

/*
 * What a job does to memory, as pure functions of what they are given: engines run them on the
 * buffers, a replay in the order of commits runs them on copies and must get the same bytes.
 *
 * At its start a job computes the digest of the touched bytes of every buffer it uses, in the
 * order in which the buffers were added; at its end it looks at all of them once more and rewrites
 * the touched bytes of those that it writes.  What is written depends on the old bytes and on both
 * looks, so every missing dependency (read after write, write after read, write after write)
 * changes the result if it matters at any time from start to end.
 */

/* Bytes that follow each other; all pieces but a buffer's last are whole words. */
struct effect_piece {
	uint8_t *bytes; /* aligned to 8 */
	size_t num_bytes;
};

/* One buffer of a job. */
struct wwr_effect_access {
	uint8_t *bytes;			   /* aligned to 8 */
	size_t num_bytes;		   /* what the job touches: wwr_device_bo_touched_bytes() */
	uint32_t access;		   /* WWR_ACCESS_x */
	const struct effect_piece *pieces; /* as many as make up num_bytes; NULL = one, bytes */
};

/* Content of a buffer before any job: a function of its number. */
WWR_API void wwr_effect_init(uint64_t number, uint8_t *bytes, size_t num_bytes);

/*
 * What a job writes down when it starts, from its seed; never 0, which is what stands there
 * before.  A job with a submit dependency reads it.
 */
WWR_API uint64_t wwr_effect_start_token(uint64_t seed);

/*
 * The digest of a job: of its seed, of the start tokens of its submit dependencies in the order
 * in which they were added, and of the bytes of its buffers in the order in which they were
 * added, each buffer once.
 */
WWR_API uint64_t wwr_effect_digest(uint64_t seed, const uint64_t *start_tokens, size_t num_tokens,
				   const struct wwr_effect_access *accesses, size_t num_accesses);

/* Look at all buffers again, then rewrite those that the job writes. */
WWR_API void wwr_effect_write(uint64_t digest, const struct wwr_effect_access *accesses,
			      size_t num_accesses);

/*
 * The same in steps that can be stopped: each returns false soon after *stop is not 0, which never
 * happens with NULL.  A job does effect_begin() and a look when it starts, another look and the
 * rewrite at its end; a rewrite that was stopped leaves some of the bytes rewritten.
 */
uint64_t effect_begin(uint64_t seed, const uint64_t *start_tokens, size_t num_tokens);
bool effect_look(uint64_t *digest, const struct wwr_effect_access *accesses, size_t num_accesses,
		 const uint32_t *stop);
bool effect_rewrite(uint64_t digest, const struct wwr_effect_access *accesses, size_t num_accesses,
		    const uint32_t *stop);

#endif /* DRIVERS_MOCK_EFFECT_H */
