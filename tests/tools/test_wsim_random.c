/* SPDX-License-Identifier: MIT */
/* The checks of the fuzz target on descriptors put together at random. */
#include "tests/tools/test_wsim.h"

#include <stdlib.h>

TestSuite(wsim_random, .timeout = 60);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Mostly right pieces, so that long descriptors are accepted now and then. */
static const char *const steps[] = {
    "0.RCS.1.0.0",
    "1.VCS.5-9.-1.1",
    "2.DEFAULT.3.-2/f-1.0",
    "1.VCS2.3.r1-0/w1-1-2/s-1.0",
    "3.CCS.*.0.0",
    "T.-1",
    "s.-1",
    "f",
    "f",
    "a.-1",
    "1.BCS.2.f-1|f-2.0",
    "M.1.VCS|RCS",
    "B.1",
    "b.1.VCS1.VCS2",
    "w.1.3n4k/1-9m",
    "W.2.1",
    "d.1",
    "p.9",
    "t.2",
    "q.1",
    "P.1.-1",
    "S.1.1",
    "X.2.0",
    "# a comment, with a comma",
};

#define NUM_STEPS (sizeof(steps) / sizeof(steps[0]))

/* Now and then a byte is replaced. */
static void spoil(char *text, size_t len, uint64_t *random)
{
	static const char bytes[] = "0123456789.,-/|\nrwfsnkmg#* \tMBbTXPSpdqta\x7f";

	if (test_random(random) % 2 == 0)
		text[test_random(random) % len] = bytes[test_random(random) % sizeof(bytes)];
}

/* A descriptor of one to twelve steps behind the byte that the fuzz target looks at. */
static size_t compose(char *text, size_t size, uint64_t *random)
{
	size_t count = 1 + test_random(random) % 12;
	size_t len = (size_t)snprintf(text, size, "%c", (char)('0' + test_random(random) % 2));

	for (size_t i = 0; i < count; i++)
		len += (size_t)snprintf(text + len, size - len, "%s%c",
					steps[test_random(random) % NUM_STEPS],
					test_random(random) % 4 == 0 ? ',' : '\n');
	return len;
}

Test(wsim_random, whatever_is_accepted_is_sound)
{
	uint64_t random = test_seed();
	unsigned int rounds = test_rounds(20000);

	for (unsigned int i = 0; i < rounds; i++) {
		char text[512];
		size_t len = compose(text, sizeof(text), &random);

		spoil(text + 1, len - 1, &random);
		cr_assert_eq(LLVMFuzzerTestOneInput((const uint8_t *)text, len), 0);
	}
}
