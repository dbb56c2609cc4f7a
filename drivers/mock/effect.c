/* SPDX-License-Identifier: MIT */
/*
 * Invariant: nothing here depends on when or where it runs, only on its arguments.  Every byte of
 * an access takes part in the digest, and every byte written depends on the digest, on its old
 * value and on its place.
 */
#include "drivers/mock/effect.h"

#include "lockset/wwr_atomic.h"

#include <wwresv/device.h>

#include <string.h>

#define WORD_BYTES sizeof(uint64_t)

/* Bytes between two looks at whether to stop: a millisecond or so.  A multiple of a word. */
#define CHUNK_BYTES ((size_t)1 << 20)

/* Odd constants with well spread bits, from the fractional part of the golden ratio. */
#define MIX_STEP  0x9e3779b97f4a7c15u
#define MIX_FIRST 0xbf58476d1ce4e5b9u
#define MIX_LAST  0x94d049bb133111ebu

/* Keep what is derived from one seed apart. */
#define SALT_TOKEN 0x746f6b656eu
#define SALT_INIT  0x696e6974u

/* splitmix64's finaliser: each bit of the result depends on each bit of the argument. */
static uint64_t mix(uint64_t z)
{
	z = (z ^ (z >> 30)) * MIX_FIRST;
	z = (z ^ (z >> 27)) * MIX_LAST;
	return z ^ (z >> 31);
}

/* One step of the digest; cheap, since it runs for every word a job touches. */
static uint64_t absorb(uint64_t digest, uint64_t word)
{
	digest = (digest ^ word) * MIX_FIRST;
	return digest ^ (digest >> 29);
}

/* The word at an offset, short at the end of a buffer whose size is no multiple of a word. */
static uint64_t load_word(const uint8_t *bytes, size_t num_bytes, size_t offset)
{
	uint64_t word = 0;

	if (num_bytes - offset >= WORD_BYTES)
		memcpy(&word, bytes + offset, WORD_BYTES);
	else
		memcpy(&word, bytes + offset, num_bytes - offset);
	return word;
}

static void store_word(uint8_t *bytes, size_t num_bytes, size_t offset, uint64_t word)
{
	if (num_bytes - offset >= WORD_BYTES)
		memcpy(bytes + offset, &word, WORD_BYTES);
	else
		memcpy(bytes + offset, &word, num_bytes - offset);
}

static bool is_stopped(const uint32_t *stop)
{
	/* Relaxed: a hint; the lock of the device orders what depends on it. */
	return stop != NULL && wwr_atomic_load(stop, WWR_RELAXED) != 0;
}

/* The end of the chunk that begins at an offset. */
static size_t chunk_end(size_t num_bytes, size_t offset)
{
	return num_bytes - offset > CHUNK_BYTES ? offset + CHUNK_BYTES : num_bytes;
}

/* The pieces of a buffer: one that has no list is one itself. */
static const struct effect_piece *first_piece(const struct wwr_effect_access *access,
					      struct effect_piece *whole)
{
	*whole = (struct effect_piece){.bytes = access->bytes, .num_bytes = access->num_bytes};
	return access->pieces != NULL ? access->pieces : whole;
}

static bool absorb_piece(uint64_t *sum, const struct effect_piece *piece, const uint32_t *stop)
{
	uint64_t digest = *sum;
	size_t offset = 0;

	while (offset < piece->num_bytes) {
		const size_t end = chunk_end(piece->num_bytes, offset);

		if (is_stopped(stop))
			return false;
		for (; offset < end; offset += WORD_BYTES)
			digest = absorb(digest, load_word(piece->bytes, piece->num_bytes, offset));
	}
	*sum = digest;
	return true;
}

static bool absorb_bytes(uint64_t *digest, const struct wwr_effect_access *access,
			 const uint32_t *stop)
{
	uint64_t sum = absorb(*digest, access->num_bytes);
	struct effect_piece whole;
	const struct effect_piece *piece = first_piece(access, &whole);

	for (size_t done = 0; done < access->num_bytes; done += piece++->num_bytes) {
		if (!absorb_piece(&sum, piece, stop))
			return false;
	}
	*digest = sum;
	return true;
}

/* @p before bytes of the buffer come before the piece. */
static bool rewrite_piece(uint64_t digest, const struct effect_piece *piece, size_t before,
			  const uint32_t *stop)
{
	size_t offset = 0;

	while (offset < piece->num_bytes) {
		const size_t end = chunk_end(piece->num_bytes, offset);

		if (is_stopped(stop))
			return false;
		for (; offset < end; offset += WORD_BYTES) {
			uint64_t word = load_word(piece->bytes, piece->num_bytes, offset);

			store_word(piece->bytes, piece->num_bytes, offset,
				   mix((word + (before + offset) * MIX_STEP) ^ digest));
		}
	}
	return true;
}

static bool rewrite_bytes(uint64_t digest, const struct wwr_effect_access *access,
			  const uint32_t *stop)
{
	struct effect_piece whole;
	const struct effect_piece *piece = first_piece(access, &whole);

	for (size_t done = 0; done < access->num_bytes; done += piece++->num_bytes) {
		if (!rewrite_piece(digest, piece, done, stop))
			return false;
	}
	return true;
}

void wwr_effect_init(uint64_t number, uint8_t *bytes, size_t num_bytes)
{
	const uint64_t seed = mix(number + SALT_INIT * MIX_STEP);

	for (size_t offset = 0; offset < num_bytes; offset += WORD_BYTES)
		store_word(bytes, num_bytes, offset, mix(seed + offset * MIX_STEP));
}

uint64_t wwr_effect_start_token(uint64_t seed)
{
	return mix(seed + SALT_TOKEN * MIX_STEP) | 1;
}

bool effect_look(uint64_t *digest, const struct wwr_effect_access *accesses, size_t num_accesses,
		 const uint32_t *stop)
{
	for (size_t i = 0; i < num_accesses; i++) {
		if (!absorb_bytes(digest, &accesses[i], stop))
			return false;
	}
	*digest = mix(*digest);
	return true;
}

uint64_t effect_begin(uint64_t seed, const uint64_t *start_tokens, size_t num_tokens)
{
	uint64_t digest = absorb(mix(seed), num_tokens);

	for (size_t i = 0; i < num_tokens; i++)
		digest = absorb(digest, start_tokens[i]);
	return digest;
}

bool effect_rewrite(uint64_t digest, const struct wwr_effect_access *accesses, size_t num_accesses,
		    const uint32_t *stop)
{
	for (size_t i = 0; i < num_accesses; i++) {
		if ((accesses[i].access & WWR_ACCESS_WRITE) != 0 &&
		    !rewrite_bytes(mix(digest + i), &accesses[i], stop))
			return false;
	}
	return true;
}

uint64_t wwr_effect_digest(uint64_t seed, const uint64_t *start_tokens, size_t num_tokens,
			   const struct wwr_effect_access *accesses, size_t num_accesses)
{
	uint64_t digest = effect_begin(seed, start_tokens, num_tokens);

	(void)effect_look(&digest, accesses, num_accesses, NULL);
	return digest;
}

void wwr_effect_write(uint64_t digest, const struct wwr_effect_access *accesses,
		      size_t num_accesses)
{
	(void)effect_look(&digest, accesses, num_accesses, NULL);
	(void)effect_rewrite(digest, accesses, num_accesses, NULL);
}
