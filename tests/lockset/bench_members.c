/* SPDX-License-Identifier: MIT */
/*
 * What a call costs in a set of 2,048 members, by what it costs in one of 8: the ratio should be 1.
 * Both sets are asked about 8 of their members, so that the caches hold both alike; the last column
 * goes through all 2,048 and shows what the caches cost.  Medians of paired repetitions, in time of
 * this thread alone, so that a busy machine does not matter.
 */
#include <wwresv/lockset.h>

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define NUM_FEW		8
#define NUM_MANY	2048
#define NUM_REPETITIONS 31
#define NUM_CALLS	400000

static struct wwr_class lock_class = WWR_CLASS_INIT("bench", WWR_WOUND_WAIT);
static struct wwr_mutex mutexes[NUM_MANY];

static int do_nothing(struct wwr_mutex *mutex, void *arg)
{
	(void)mutex;
	(void)arg;
	return 0;
}

static int call_with_locked(struct wwr_lock_set *set, struct wwr_mutex *mutex)
{
	return wwr_lock_set_with_locked(set, mutex, do_nothing, NULL);
}

static int call_holds(struct wwr_lock_set *set, struct wwr_mutex *mutex)
{
	return !wwr_lock_set_holds(set, mutex);
}

static int call_lock_again(struct wwr_lock_set *set, struct wwr_mutex *mutex)
{
	return wwr_lock_set_lock(set, mutex);
}

static int call_unlock_and_lock(struct wwr_lock_set *set, struct wwr_mutex *mutex)
{
	wwr_lock_set_unlock(set, mutex);
	return wwr_lock_set_lock(set, mutex);
}

static const struct {
	const char *name;
	int (*call)(struct wwr_lock_set *set, struct wwr_mutex *mutex);
} calls[] = {
    {"with_locked", call_with_locked},
    {"holds", call_holds},
    {"lock again", call_lock_again},
    {"unlock and lock", call_unlock_and_lock},
};

static double thread_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
	return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

/* ns a call over num_asked of the set's members, as far apart as they may be. */
static double measure(unsigned int num_members, unsigned int num_asked,
		      int (*call)(struct wwr_lock_set *set, struct wwr_mutex *mutex))
{
	unsigned int step = num_members / num_asked;
	struct wwr_lock_set set;
	double start_ns, end_ns;
	int wrong = wwr_lock_set_init(&set, &lock_class, NULL);

	for (unsigned int i = 0; i < num_members && wrong == 0; i++)
		wrong = wwr_lock_set_lock(&set, &mutexes[i]);
	start_ns = thread_ns();
	for (unsigned int i = 0; i < NUM_CALLS; i++)
		wrong |= call(&set, &mutexes[i % num_asked * step]);
	end_ns = thread_ns();
	wwr_lock_set_fini(&set);
	if (wrong != 0)
		abort();
	return (end_ns - start_ns) / NUM_CALLS;
}

static int compare(const void *a, const void *b)
{
	double left = *(const double *)a, right = *(const double *)b;

	return (left > right) - (left < right);
}

static double median(double *values)
{
	qsort(values, NUM_REPETITIONS, sizeof(values[0]), compare);
	return values[NUM_REPETITIONS / 2];
}

int main(void)
{
	for (unsigned int i = 0; i < NUM_MANY; i++)
		wwr_mutex_init(&mutexes[i], &lock_class);
	printf("%-16s %10s %10s %18s\n", "call", "ns at 8", "2048 / 8", "all of 2048 / 8");
	for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++) {
		double few_ns[NUM_REPETITIONS], ratios[NUM_REPETITIONS], all[NUM_REPETITIONS];

		for (int j = 0; j < NUM_REPETITIONS; j++) {
			few_ns[j] = measure(NUM_FEW, NUM_FEW, calls[i].call);
			ratios[j] = measure(NUM_MANY, NUM_FEW, calls[i].call) / few_ns[j];
			all[j] = measure(NUM_MANY, NUM_MANY, calls[i].call) / few_ns[j];
		}
		printf("%-16s %10.2f %10.3f %18.3f\n", calls[i].name, median(few_ns),
		       median(ratios), median(all));
	}
	return 0;
}
