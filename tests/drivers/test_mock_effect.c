/* SPDX-License-Identifier: MIT */
/* What a job does to memory, as a function of its arguments. */
#include "drivers/mock/effect.h"
#include "tests/lib/test_criterion.h"

#include <wwresv/device.h>

#include <stdlib.h>
#include <string.h>

TestSuite(drivers_mock_effect, .timeout = 30);

#define NUM_BYTES 37

static uint8_t a[64] __attribute__((aligned(8)));
static uint8_t b[64] __attribute__((aligned(8)));

static struct wwr_effect_access both[2] = {
    {.bytes = a, .num_bytes = NUM_BYTES, .access = WWR_ACCESS_READ},
    {.bytes = b, .num_bytes = NUM_BYTES, .access = WWR_ACCESS_WRITE},
};

static void setup(void)
{
	memset(a, 0xa5, sizeof(a));
	memset(b, 0xa5, sizeof(b));
	wwr_effect_init(1, a, NUM_BYTES);
	wwr_effect_init(2, b, NUM_BYTES);
}

static uint64_t digest(void)
{
	return wwr_effect_digest(1, NULL, 0, both, 2);
}

Test(drivers_mock_effect, init_depends_on_the_number_alone)
{
	uint8_t again[64] __attribute__((aligned(8)));

	setup();
	wwr_effect_init(1, again, NUM_BYTES);
	cr_expect_arr_eq(a, again, NUM_BYTES);
	cr_expect_arr_neq(a, b, NUM_BYTES);
	cr_expect_eq(a[NUM_BYTES], 0xa5, "a byte behind the end was written");
}

Test(drivers_mock_effect, init_of_a_part_is_a_part_of_the_whole)
{
	uint8_t part[64] __attribute__((aligned(8)));

	setup();
	wwr_effect_init(1, part, 11);
	cr_expect_arr_eq(a, part, 11);
}

Test(drivers_mock_effect, digest_sees_each_byte_and_nothing_behind)
{
	const uint64_t before = (setup(), digest());

	for (size_t i = 0; i < sizeof(a); i++) {
		a[i] ^= 0x10;
		if (i < NUM_BYTES)
			cr_expect_neq(digest(), before, "byte %zu does not count", i);
		else
			cr_expect_eq(digest(), before, "byte %zu counts", i);
		a[i] ^= 0x10;
	}
	cr_expect_eq(digest(), before);
}

Test(drivers_mock_effect, digest_sees_seed_tokens_and_order)
{
	const uint64_t tokens[2] = {wwr_effect_start_token(1), wwr_effect_start_token(2)};
	const uint64_t turned[2] = {tokens[1], tokens[0]};
	const uint64_t missing[2] = {tokens[0], 0};
	const struct wwr_effect_access turned_both[2] = {both[1], both[0]};
	uint64_t plain, with_tokens;

	setup();
	plain = digest();
	with_tokens = wwr_effect_digest(1, tokens, 2, both, 2);
	cr_expect_neq(tokens[0], 0);
	cr_expect_neq(tokens[0], tokens[1]);
	cr_expect_neq(plain, wwr_effect_digest(2, NULL, 0, both, 2));
	cr_expect_neq(plain, wwr_effect_digest(1, NULL, 0, turned_both, 2));
	cr_expect_neq(plain, wwr_effect_digest(1, NULL, 0, both, 1));
	cr_expect_neq(plain, with_tokens);
	cr_expect_neq(with_tokens, wwr_effect_digest(1, turned, 2, both, 2));
	cr_expect_neq(with_tokens, wwr_effect_digest(1, missing, 2, both, 2));
}

Test(drivers_mock_effect, write_changes_every_byte_of_what_is_written_alone)
{
	uint8_t old_a[64], old_b[64];
	unsigned int num_equal = 0;

	setup();
	memcpy(old_a, a, sizeof(a));
	memcpy(old_b, b, sizeof(b));
	wwr_effect_write(digest(), both, 2);
	cr_expect_arr_eq(a, old_a, sizeof(a));
	cr_expect_arr_eq(b + NUM_BYTES, old_b + NUM_BYTES, sizeof(b) - NUM_BYTES);
	for (size_t i = 0; i < NUM_BYTES; i++)
		num_equal += b[i] == old_b[i];
	cr_expect_leq(num_equal, 3, "%u bytes are as before", num_equal);
}

/* b after a write, with a changed at the start, at the end, or not at all. */
static uint8_t result_with(bool change_start, bool change_end, bool change_target)
{
	uint64_t at_start;

	setup();
	a[5] ^= change_start;
	at_start = digest();
	a[5] ^= change_start;
	a[5] ^= change_end;
	b[7] ^= change_target;
	wwr_effect_write(at_start, both, 2);
	return b[0] ^ b[9] ^ b[36];
}

Test(drivers_mock_effect, write_depends_on_what_was_seen_at_start_and_end)
{
	const uint8_t plain = result_with(false, false, false);

	cr_expect_eq(plain, result_with(false, false, false));
	cr_expect_neq(plain, result_with(true, false, false));
	cr_expect_neq(plain, result_with(false, true, false));
	cr_expect_neq(plain, result_with(false, false, true));
}

Test(drivers_mock_effect, order_of_two_writes_counts)
{
	uint8_t one_two[64];

	setup();
	for (uint64_t seed = 1; seed <= 2; seed++)
		wwr_effect_write(wwr_effect_digest(seed, NULL, 0, both, 2), both, 2);
	memcpy(one_two, b, sizeof(b));
	setup();
	for (uint64_t seed = 2; seed >= 1; seed--)
		wwr_effect_write(wwr_effect_digest(seed, NULL, 0, both, 2), both, 2);
	cr_expect_arr_neq(one_two, b, NUM_BYTES);
}

#define NUM_LARGE ((size_t)5 << 19)

Test(drivers_mock_effect, stopped_steps_end_early_and_say_so)
{
	uint8_t *large = calloc(1, NUM_LARGE);
	struct wwr_effect_access access = {
	    .bytes = large, .num_bytes = NUM_LARGE, .access = WWR_ACCESS_WRITE};
	uint64_t sum = effect_begin(1, NULL, 0);
	uint32_t stop = 1;

	cr_assert_not_null(large);
	cr_expect_not(effect_look(&sum, &access, 1, &stop));
	cr_expect_not(effect_rewrite(sum, &access, 1, &stop));
	for (size_t i = 0; i < NUM_LARGE; i++)
		cr_assert_eq(large[i], 0, "it was stopped before the first byte");
	/* Nothing to do is done. */
	cr_expect(effect_look(&sum, &access, 0, &stop));
	cr_expect(effect_rewrite(sum, &access, 0, &stop));
	free(large);
}

Test(drivers_mock_effect, steps_that_are_not_stopped_are_the_whole)
{
	uint8_t *one = calloc(1, NUM_LARGE), *two = calloc(1, NUM_LARGE);
	struct wwr_effect_access first = {
	    .bytes = one, .num_bytes = NUM_LARGE, .access = WWR_ACCESS_WRITE};
	struct wwr_effect_access second = first;
	const uint64_t token = 77;
	uint64_t sum = effect_begin(3, &token, 1);
	uint32_t stop = 0;

	cr_assert(one != NULL && two != NULL);
	second.bytes = two;
	cr_assert(effect_look(&sum, &first, 1, &stop));
	cr_expect_eq(sum, wwr_effect_digest(3, &token, 1, &second, 1));
	wwr_effect_write(sum, &second, 1);
	cr_assert(effect_look(&sum, &first, 1, &stop));
	cr_assert(effect_rewrite(sum, &first, 1, &stop));
	cr_expect_eq(memcmp(one, two, NUM_LARGE), 0);
	free(one);
	free(two);
}
