/* SPDX-License-Identifier: MIT */
/* What the sweep must find. */
#include "tests/faults/scenario.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include <wwresv/alloc.h>

static int make_two(void **ret_a, void **ret_b)
{
	void *a = wwr_alloc(1);
	void *b;

	if (a == NULL)
		return -ENOMEM;
	b = wwr_alloc(2);
	if (b == NULL)
		return -ENOMEM; /* and forgets the first one */
	*ret_a = a;
	*ret_b = b;
	return 0;
}

static void run_leak(void)
{
	void *a = NULL, *b = NULL;
	int ret;

	FAULT_TRY(&ret, make_two(&a, &b), -ENOMEM);
	wwr_free(a);
	wwr_free(b);
}

static int make_one(void **ret_a)
{
	*ret_a = wwr_alloc(1);
	return *ret_a != NULL ? 0 : -EINVAL;
}

static void run_error(void)
{
	void *a = NULL;
	int ret;

	FAULT_TRY(&ret, make_one(&a), -ENOMEM);
	wwr_free(a);
}

static bool was_refused;

static int make_once(void **ret_a)
{
	*ret_a = was_refused ? NULL : wwr_alloc(1);
	was_refused = *ret_a == NULL;
	return was_refused ? -ENOMEM : 0;
}

static void run_again(void)
{
	void *a = NULL;
	int ret;

	FAULT_TRY(&ret, make_once(&a), -ENOMEM);
	wwr_free(a);
}

static void run_swallow(void)
{
	void *a = wwr_alloc(1);
	int ret = 0; /* and nobody is told */

	FAULT_CHECK(ret != 0 || a != NULL);
	wwr_free(a);
}

static int open_one(void **ret_a, int *ret_fd)
{
	*ret_fd = __real_eventfd(0, 0);
	*ret_a = wwr_alloc(1);
	return *ret_a != NULL ? 0 : -ENOMEM; /* and forgets the descriptor */
}

static void run_fd(void)
{
	void *a = NULL;
	int fd = -1;
	int ret;

	FAULT_TRY(&ret, open_one(&a, &fd), -ENOMEM);
	if (ret == 0)
		(void)close(fd);
	wwr_free(a);
}

static void run_hang(void)
{
	void *a = wwr_alloc(1);

	while (a == NULL)
		(void)pause();
	wwr_free(a);
}

static void run_crash(void)
{
	char *a = wwr_alloc(1);

	/* As a store there would end it; but that one the sanitizers report, too. */
	if (a == NULL)
		abort();
	wwr_free(a);
}

static const struct scenario swallow = {"swallow", run_swallow, NULL};
static const struct scenario fd = {"fd", run_fd, NULL};
static const struct scenario hang = {"hang", run_hang, NULL};
static const struct scenario leak = {"leak", run_leak, NULL};
static const struct scenario error = {"error", run_error, NULL};
static const struct scenario again = {"again", run_again, NULL};
static const struct scenario crash = {"crash", run_crash, NULL};

const struct scenario *const canary_scenarios[] = {
    &leak, &fd, &error, &swallow, &again, &crash, &hang, NULL,
};
