/* SPDX-License-Identifier: MIT */
/*
 * Runs a fuzz target without a fuzzer, in any compiler and lane: every input of its corpus, which
 * are the ones that once found something, and random ones.
 *
 *	replay_lockset tests/fuzz/corpus/lockset 2000
 */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "tests/lib/test_env.h"
#include "tests/lib/test_tap.h"

#define RANDOM_BYTES 512

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool run_file(const char *path)
{
	static uint8_t data[1 << 16];
	FILE *file = fopen(path, "rb");
	size_t size;

	if (file == NULL)
		return false;
	size = fread(data, 1, sizeof(data), file);
	fclose(file);
	return LLVMFuzzerTestOneInput(data, size) == 0;
}

static int is_input(const struct dirent *entry)
{
	return entry->d_name[0] != '.';
}

static void run_random(unsigned int num)
{
	uint8_t data[RANDOM_BYTES];
	uint64_t state = test_seed();

	for (unsigned int i = 0; i < num; i++) {
		size_t size = test_random(&state) % (sizeof(data) + 1);

		for (size_t j = 0; j < size; j++)
			data[j] = (uint8_t)(test_random(&state) >> 32);
		(void)LLVMFuzzerTestOneInput(data, size);
	}
	tap_ok(true, "%u random inputs", num);
}

int main(int argc, char *argv[])
{
	struct dirent **entries;
	char path[4096];
	int num;

	if (argc != 3) {
		fprintf(stderr, "usage: %s DIR RANDOM_INPUTS\n", argv[0]);
		return 2;
	}
	num = scandir(argv[1], &entries, is_input, alphasort);
	if (num < 0) {
		perror(argv[1]);
		return 2;
	}
	tap_plan((unsigned int)num + 1);
	for (int i = 0; i < num; i++) {
		snprintf(path, sizeof(path), "%s/%s", argv[1], entries[i]->d_name);
		tap_ok(run_file(path), "%s", entries[i]->d_name);
		free(entries[i]);
	}
	free(entries);
	run_random(test_rounds((unsigned int)strtoul(argv[2], NULL, 10)));
	return tap_exit();
}
