/* SPDX-License-Identifier: MIT */
#include "tests/lib/test_env.h"

#include <dirent.h>
#include <inttypes.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#if defined(__SANITIZE_ADDRESS__)
#define TEST_HAVE_LSAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define TEST_HAVE_LSAN 1
#endif
#endif

#ifdef TEST_HAVE_LSAN
#include <sanitizer/lsan_interface.h>
#endif

static uint64_t the_seed;
static pthread_once_t seed_once = PTHREAD_ONCE_INIT;

static void seed_choose(void)
{
	const char *wanted = getenv("WWR_TEST_SEED");
	struct timespec now;

	if (wanted != NULL) {
		the_seed = strtoull(wanted, NULL, 0);
	} else {
		clock_gettime(CLOCK_REALTIME, &now);
		the_seed = ((uint64_t)now.tv_sec << 30) ^ (uint64_t)now.tv_nsec ^
			   ((uint64_t)getpid() << 48);
	}
	fprintf(stderr, "# to replay: WWR_TEST_SEED=0x%" PRIx64 "\n", the_seed);
}

uint64_t test_seed(void)
{
	pthread_once(&seed_once, seed_choose);
	return the_seed;
}

/* splitmix64: every state is a good one, so threads may start from neighbouring numbers. */
uint64_t test_random(uint64_t *state)
{
	uint64_t z = *state += 0x9e3779b97f4a7c15u;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
	return z ^ (z >> 31);
}

unsigned int test_rounds(unsigned int rounds)
{
	const char *scale = getenv("WWR_TEST_SCALE");
	double scaled = rounds;

	if (getenv("WWR_TEST_LONG") != NULL)
		scaled *= 5;
	else if (getenv("WWR_TEST_SHORT") != NULL)
		scaled /= 10;
	if (scale != NULL)
		scaled *= strtod(scale, NULL);
	if (!(scaled >= 1))
		return 1;
	return scaled < UINT_MAX ? (unsigned int)scaled : UINT_MAX;
}

const char *test_wsim_dir(void)
{
	const char *dir = getenv("WWR_TEST_DATA");
	struct stat st;

	if (dir == NULL)
		dir = TEST_SOURCE_ROOT "/../shared/data/wsim";
	return stat(dir, &st) == 0 && S_ISDIR(st.st_mode) ? dir : NULL;
}

unsigned int test_wsim_for_each(const char *dir, void (*run)(const char *path, unsigned int number))
{
	DIR *list = opendir(dir);
	struct dirent *entry;
	unsigned int num = 0;
	char path[1024];

	while (list != NULL && (entry = readdir(list)) != NULL) {
		const char *dot = strrchr(entry->d_name, '.');

		if (dot == NULL || strcmp(dot, ".wsim") != 0)
			continue;
		snprintf(path, sizeof(path), "%s/%s", dir, entry->d_name);
		run(path, num++);
	}
	if (list != NULL)
		closedir(list);
	return num;
}

int test_leak_check(void)
{
#ifdef TEST_HAVE_LSAN
	return __lsan_do_recoverable_leak_check();
#else
	return 0;
#endif
}

void test_leaks_ignore(bool ignore)
{
#ifdef TEST_HAVE_LSAN
	if (ignore)
		__lsan_disable();
	else
		__lsan_enable();
#else
	(void)ignore;
#endif
}
