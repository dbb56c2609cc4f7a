/* SPDX-License-Identifier: MIT */
/*
 * Makes each call of the libraries to the allocator and to the system fail, one process for each:
 * the n-th call once, and the n-th and all later ones of its kind.  After a failure the scenario
 * either makes its call again, which must succeed, or gives up and ends what it has while the calls
 * still fail.  Then nothing may be left, and the scenario must work from beginning to end.
 *
 *	sweep                all scenarios
 *	sweep NAME...        some
 *	sweep --short        without the second way to go on after calls that fail from one on
 *	sweep --sites FILE   and write down which call sites failed, for sites.py
 *	sweep --canary NAME  one that must be found wrong
 */
#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "reservation/resv_cell.h"
#include "tests/faults/scenario.h"
#include "tests/lib/test_tap.h"

/* A process that lives so long hangs; each is done in milliseconds, and gives up soon if planted.
 */
#define HANGS_AFTER_S	     30
#define CANARY_HANGS_AFTER_S 1

/* Threads meet by chance: after so many calls in a row that were not made the rest is left out. */
#define MAX_MISSED 4

/* So many of a scenario's problems are shown. */
#define MAX_SHOWN 5

static const struct mode {
	const char *what;
	bool sticky, retry;
} modes[] = {
    {"a call fails, and is made again", false, true},
    {"calls fail from one on, to the end", true, false},
    {"calls fail from one on, until the first error", true, true},
};

static unsigned int hangs_after_s = HANGS_AFTER_S;
static unsigned int num_modes = sizeof(modes) / sizeof(modes[0]);

static const struct scenario *const *const tables[] = {
    lockset_scenarios, fence_scenarios, resv_scenarios, file_scenarios,
    mock_scenarios,    sched_scenarios, core_scenarios, wsim_scenarios,
};

/* Shared with the process that runs. */
static struct fault_record *record;

/* Every call site that any scenario reached; failed: FAILED_x. */
static struct fault_site sites[FAULT_MAX_SITES];
static size_t num_sites;

#define FAILED_ONCE   1u
#define FAILED_STICKY 2u

struct outcome {
	unsigned int num_injected, num_bad;
};

/* In all: [0] of system calls, [1] of memory. */
static struct outcome totals[2];

static unsigned int count_fds(void)
{
	DIR *dir = opendir("/proc/self/fd");
	unsigned int num = 0;

	if (dir == NULL)
		return 0;
	while (readdir(dir) != NULL)
		num++;
	closedir(dir);
	return num;
}

/* Chunks of signal cells stay for ever. */
static long count_cell_chunks(void)
{
	long num = 0;

	for (unsigned int i = 1; i < CELL_MAX_CHUNKS; i++)
		num += resv_cell_origins[i] != 0;
	return num;
}

static void check_nothing_left(const char *when, unsigned int num_fds)
{
	const struct fault_live live = faults_live();
	const unsigned int fds = count_fds();

	if (live.blocks != count_cell_chunks())
		faults_problem("%s: %ld blocks of memory are left", when, live.blocks);
	if (live.maps != 0)
		faults_problem("%s: %ld mappings are left", when, live.maps);
	if (live.threads != 0)
		faults_problem("%s: %ld threads are left", when, live.threads);
	if (fds != num_fds)
		faults_problem("%s: %u descriptors are left", when, fds - num_fds);
}

static void run_here(const struct scenario *scenario, const struct fault_plan *plan, bool retry)
{
	const struct fault_plan nothing = {.at = 0};
	struct fault_record *scratch = calloc(1, sizeof(*scratch));
	const unsigned int num_fds = count_fds();

	(void)alarm(hangs_after_s);
	scenario_set_retry(retry);
	faults_arm(record, plan);
	scenario->run();
	faults_disarm();
	if (scenario->settle != NULL)
		scenario->settle();
	check_nothing_left("afterwards", num_fds);
	if (scratch == NULL || record->num_problems != 0)
		return;

	/* All is well again, and so must be what the library keeps over the scenario's end. */
	faults_arm(scratch, &nothing);
	scenario->run();
	if (scenario->settle != NULL)
		scenario->settle();
	check_nothing_left("after once more", num_fds);
	if (scratch->num_problems != 0) {
		record->num_problems++;
		snprintf(record->problem, sizeof(record->problem), "once more: %.200s",
			 scratch->problem);
	}
	free(scratch);
}

/* In a process of its own; what it found is in the record. */
static void run_apart(const struct scenario *scenario, const struct fault_plan *plan, bool retry)
{
	int status = 0;
	pid_t pid;

	memset(record, 0, sizeof(*record));
	fflush(NULL);
	pid = fork();
	if (pid < 0) {
		perror("fork");
		exit(2);
	}
	if (pid == 0) {
		run_here(scenario, plan, retry);
		_exit(0);
	}
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	if (status == 0)
		return;
	record->num_problems++;
	if (WIFSIGNALED(status) && WTERMSIG(status) == SIGALRM)
		snprintf(record->problem, sizeof(record->problem), "it hangs");
	else
		snprintf(record->problem, sizeof(record->problem), "it ends with status %#x",
			 (unsigned int)status);
}

static void collect_sites(unsigned int failed)
{
	for (size_t i = 0; i < FAULT_MAX_SITES && record->sites[i].address != 0; i++) {
		const struct fault_site *site = &record->sites[i];
		size_t j = 0;

		while (j < num_sites && sites[j].address != site->address)
			j++;
		if (j == num_sites)
			sites[num_sites++] =
			    (struct fault_site){.address = site->address, .kind = site->kind};
		if (site->failed)
			sites[j].failed |= failed;
	}
}

/* False = the call was not made, this time. */
static bool run_planned(const struct scenario *scenario, const struct fault_plan *plan, bool retry,
			struct outcome *outcome)
{
	bool injected;

	run_apart(scenario, plan, retry);
	collect_sites(plan->sticky ? FAILED_STICKY : FAILED_ONCE);
	injected = record->num_injected != 0;
	outcome->num_injected += injected;
	if (record->num_problems != 0 && outcome->num_bad++ < MAX_SHOWN)
		tap_note("%s number %ld, error %u: %s", fault_kind_name(plan->kind), plan->at,
			 plan->error, record->problem);
	return injected;
}

static void sweep_kind(const struct scenario *scenario, const struct mode *mode,
		       enum fault_kind kind, long num_calls, struct outcome *outcome)
{
	unsigned int num_missed = 0;

	for (long at = 1; at <= num_calls && num_missed < MAX_MISSED; at++) {
		for (unsigned int error = 0; error < fault_kind_errors(kind); error++) {
			const struct fault_plan plan = {kind, at, mode->sticky, error};

			if (run_planned(scenario, &plan, mode->retry, outcome))
				num_missed = 0;
			else
				num_missed++;
		}
	}
}

static void sweep_mode(const struct scenario *scenario, const struct mode *mode,
		       const long *num_calls)
{
	struct outcome sum = {0};

	for (unsigned int kind = 0; kind < FAULT_NUM_KINDS; kind++) {
		struct outcome *total = &totals[fault_kind_is_memory(kind)];
		struct outcome outcome = {0};

		sweep_kind(scenario, mode, kind, num_calls[kind], &outcome);
		sum.num_injected += outcome.num_injected;
		sum.num_bad += outcome.num_bad;
		total->num_injected += outcome.num_injected;
		total->num_bad += outcome.num_bad;
	}
	tap_ok(sum.num_bad == 0 && sum.num_injected > 0, "%s: %s: %u faults", scenario->name,
	       mode->what, sum.num_injected);
}

/* One result for the scenario as it is, and one for each mode. */
static void sweep(const struct scenario *scenario)
{
	const struct fault_plan nothing = {.at = 0};
	long num_calls[FAULT_NUM_KINDS];
	long sum = 0;

	run_apart(scenario, &nothing, true);
	collect_sites(0);
	memcpy(num_calls, record->num_calls, sizeof(num_calls));
	for (unsigned int kind = 0; kind < FAULT_NUM_KINDS; kind++)
		sum += num_calls[kind];
	if (record->num_problems != 0) {
		tap_note("%s", record->problem);
		totals[0].num_bad++;
	}
	tap_ok(record->num_problems == 0, "%s: nothing fails: %ld calls", scenario->name, sum);
	for (unsigned int i = 0; i < num_modes; i++)
		sweep_mode(scenario, &modes[i], num_calls);
}

static const struct scenario *find_in(const struct scenario *const *table, const char *name)
{
	for (; *table != NULL; table++) {
		if (strcmp((*table)->name, name) == 0)
			return *table;
	}
	return NULL;
}

static const struct scenario *find(const char *name)
{
	const struct scenario *scenario = NULL;

	for (size_t i = 0; scenario == NULL && i < sizeof(tables) / sizeof(tables[0]); i++)
		scenario = find_in(tables[i], name);
	return scenario;
}

static unsigned int find_all(const struct scenario **ret_scenarios)
{
	unsigned int num = 0;

	for (size_t i = 0; i < sizeof(tables) / sizeof(tables[0]); i++) {
		for (const struct scenario *const *at = tables[i]; *at != NULL; at++)
			ret_scenarios[num++] = *at;
	}
	return num;
}

static int write_sites(const char *path)
{
	FILE *file = fopen(path, "w");

	if (file == NULL) {
		perror(path);
		return 2;
	}
	for (size_t i = 0; i < num_sites; i++)
		fprintf(file, "%#lx %u\n", (unsigned long)sites[i].address, sites[i].failed);
	fprintf(file, "memory %u %u\n", totals[1].num_injected, totals[1].num_bad);
	fprintf(file, "system %u %u\n", totals[0].num_injected, totals[0].num_bad);
	return fclose(file) == 0 ? 0 : 2;
}

static void share_record(void)
{
	record =
	    mmap(NULL, sizeof(*record), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (record == MAP_FAILED) {
		perror("mmap");
		exit(2);
	}
}

struct arguments {
	const struct scenario *chosen[64];
	unsigned int num;
	const char *sites_path;
};

/* The next argument, at argv[*i] when it returns; or NULL. */
static const char *option_value(int *i, char *argv[], const char *name)
{
	if (strcmp(argv[*i], name) != 0 || argv[*i + 1] == NULL)
		return NULL;
	return argv[++*i];
}

static bool parse(struct arguments *arguments, char *argv[])
{
	for (int i = 1; argv[i] != NULL && arguments->num < 64; i++) {
		const char *sites_path = option_value(&i, argv, "--sites");
		const char *canary = option_value(&i, argv, "--canary");
		const struct scenario *scenario;

		if (sites_path != NULL) {
			arguments->sites_path = sites_path;
			continue;
		}
		if (strcmp(argv[i], "--short") == 0) {
			num_modes--;
			continue;
		}
		if (canary != NULL)
			hangs_after_s = CANARY_HANGS_AFTER_S;
		scenario = canary != NULL ? find_in(canary_scenarios, canary) : find(argv[i]);
		if (scenario == NULL) {
			fprintf(stderr, "sweep: no scenario %s\n", argv[i]);
			return false;
		}
		arguments->chosen[arguments->num++] = scenario;
	}
	if (arguments->num == 0)
		arguments->num = find_all(arguments->chosen);
	return true;
}

int main(int argc, char *argv[])
{
	const struct rlimit no_core = {0, 0};
	struct arguments arguments = {.num = 0};

	(void)argc;
	(void)setrlimit(RLIMIT_CORE, &no_core);
	if (!parse(&arguments, argv))
		return 2;
	share_record();
	tap_plan(arguments.num * (1 + num_modes) + 1);
	for (unsigned int i = 0; i < arguments.num; i++)
		sweep(arguments.chosen[i]);
	tap_ok(num_sites > 0, "%zu call sites, %u faults in all", num_sites,
	       totals[0].num_injected + totals[1].num_injected);
	if (arguments.sites_path != NULL && write_sites(arguments.sites_path) != 0)
		return 2;
	return tap_exit();
}
