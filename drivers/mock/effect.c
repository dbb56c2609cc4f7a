/* SPDX-License-Identifier: MIT */
/*
 * Invariant: nothing here depends on when or where it runs, only on its arguments.  Every byte of
 * an access takes part in the digest, and every byte written depends on the digest, on its old
 * value and on its place.
 */
#include "drivers/mock/effect.h"

#include <wwresv/device.h>

#include <string.h>

#define WORD_BYTES sizeof(uint64_t)

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

static uint64_t absorb_bytes(uint64_t digest, const uint8_t *bytes, size_t num_bytes)
{
	digest = absorb(digest, num_bytes);
	for (size_t offset = 0; offset < num_bytes; offset += WORD_BYTES)
		digest = absorb(digest, load_word(bytes, num_bytes, offset));
	return digest;
}

static void rewrite_bytes(uint64_t digest, uint8_t *bytes, size_t num_bytes)
{
	for (size_t offset = 0; offset < num_bytes; offset += WORD_BYTES) {
		uint64_t word = load_word(bytes, num_bytes, offset);

		store_word(bytes, num_bytes, offset, mix((word + offset * MIX_STEP) ^ digest));
	}
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

static uint64_t absorb_accesses(uint64_t digest, const struct wwr_effect_access *accesses,
				size_t num_accesses)
{
	for (size_t i = 0; i < num_accesses; i++)
		digest = absorb_bytes(digest, accesses[i].bytes, accesses[i].num_bytes);
	return mix(digest);
}

uint64_t wwr_effect_digest(uint64_t seed, const uint64_t *start_tokens, size_t num_tokens,
			   const struct wwr_effect_access *accesses, size_t num_accesses)
{
	uint64_t digest = absorb(mix(seed), num_tokens);

	for (size_t i = 0; i < num_tokens; i++)
		digest = absorb(digest, start_tokens[i]);
	return absorb_accesses(digest, accesses, num_accesses);
}

void wwr_effect_write(uint64_t digest, const struct wwr_effect_access *accesses,
		      size_t num_accesses)
{
	digest = absorb_accesses(digest, accesses, num_accesses);
	for (size_t i = 0; i < num_accesses; i++) {
		if ((accesses[i].access & WWR_ACCESS_WRITE) != 0)
			rewrite_bytes(mix(digest + i), accesses[i].bytes, accesses[i].num_bytes);
	}
}
