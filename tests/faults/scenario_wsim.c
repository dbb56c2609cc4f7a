/* SPDX-License-Identifier: MIT */
/* The parser of workload descriptors: a text, and a file. */
#include "tests/faults/scenario.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tools/wsim/alloc.h"
#include "tools/wsim/wsim.h"

/* Every kind of step, and enough contexts, steps and sets that each list grows. */
static const char everything[] =
    "w.1.4n4k/2n1k-8k,W.2.1m,M.1.VCS|RCS,B.1,b.1.VCS1.RCS,f,1.VCS.5.r1-0-3/w2-0/f-1.0,"
    "2.RCS.*.-1/s-1.0,T.-1,a.-4,s.-4,P.3.1,X.4.0,5.BCS.1.0.0,6.BCS.1.0.0,7.BCS.1.0.0,"
    "8.BCS.1.0.0,9.BCS.1.0.0,10.BCS.1.0.0,w.3.1,w.4.1,w.5.1,w.6.1,w.7.1,w.8.1,w.9.1,w.10.1";

#define NUM_STEPS 27

/* What the parser has: it gives back with free(), which the linker sends here, too. */
static void *blocks[1024];
static size_t num_blocks;

static void block_came(void *ptr)
{
	if (ptr == NULL)
		return;
	if (num_blocks == sizeof(blocks) / sizeof(blocks[0]))
		abort();
	blocks[num_blocks++] = ptr;
	faults_count_blocks(1);
}

static void block_went(const void *ptr)
{
	for (size_t i = 0; i < num_blocks; i++) {
		if (blocks[i] != ptr)
			continue;
		blocks[i] = blocks[--num_blocks];
		faults_count_blocks(-1);
		return;
	}
}

void __real_free(void *ptr);
void __wrap_free(void *ptr);
void __wrap_free(void *ptr)
{
	/* Nothing runs beside the parser. */
	if (ptr != NULL && num_blocks > 0)
		block_went(ptr);
	__real_free(ptr);
}

static void *counting_realloc(void *ptr, size_t size)
{
	void *grown;

	if (ptr != NULL)
		block_went(ptr);
	grown = realloc(ptr, size);
	block_came(grown != NULL ? grown : ptr);
	return grown;
}

void *__real_wsim_calloc(size_t count, size_t size);
void *__wrap_wsim_calloc(size_t count, size_t size);
void *__wrap_wsim_calloc(size_t count, size_t size)
{
	return FAULT(FAULT_WSIM_ALLOC) != 0 ? NULL : __real_wsim_calloc(count, size);
}

char *__real_wsim_copy(const char *text, size_t len);
char *__wrap_wsim_copy(const char *text, size_t len);
char *__wrap_wsim_copy(const char *text, size_t len)
{
	return FAULT(FAULT_WSIM_ALLOC) != 0 ? NULL : __real_wsim_copy(text, len);
}

void *__real_wsim_grow(void *array, size_t count, size_t *capacity, size_t size);
void *__wrap_wsim_grow(void *array, size_t count, size_t *capacity, size_t size);
void *__wrap_wsim_grow(void *array, size_t count, size_t *capacity, size_t size)
{
	return FAULT(FAULT_WSIM_ALLOC) != 0 ? NULL : __real_wsim_grow(array, count, capacity, size);
}

static void check_workload(const struct wsim_workload *workload, int ret)
{
	FAULT_CHECK((ret == 0) == (workload != NULL));
	FAULT_CHECK(workload == NULL || workload->num_steps == NUM_STEPS);
}

static void run_text(void)
{
	struct wsim_workload *workload = NULL;
	struct wsim_lock *locks = NULL;
	struct wsim_error err;
	size_t num_locks = 0;
	int ret;

	wsim_realloc_hook = counting_realloc;
	FAULT_TRY(&ret,
		  wsim_parse("x", everything, strlen(everything), false, NULL, &workload, &err),
		  -ENOMEM);
	check_workload(workload, ret);
	if (ret == 0)
		FAULT_TRY(&ret, wsim_batch_locks(workload, &workload->steps[6], &locks, &num_locks),
			  -ENOMEM);
	FAULT_CHECK(ret != 0 || num_locks > 0);
	free(locks);
	wsim_free(workload);

	workload = NULL;
	FAULT_TRY(&ret, wsim_load_argument("game", NULL, &workload, &err), -ENOMEM, -EINVAL);
	FAULT_CHECK((ret == 0) == (workload != NULL));
	wsim_free(workload);
	wsim_realloc_hook = NULL;
}

/* /dev/fd: with a '/' it is a path, whatever stat() would say. */
static int make_file(char *path, size_t size)
{
	int fd = __real_memfd_create("faults", 0);

	FAULT_CHECK(fd >= 0 && __real_write(fd, everything, strlen(everything)) ==
				   (ssize_t)strlen(everything));
	snprintf(path, size, "/dev/fd/%d", fd);
	return fd;
}

static void run_file(void)
{
	struct wsim_workload *workload = NULL;
	struct wsim_error err;
	char path[64];
	int fd = make_file(path, sizeof(path));
	int ret;

	wsim_realloc_hook = counting_realloc;
	FAULT_TRY(&ret, wsim_load_argument(path, NULL, &workload, &err), -ENOMEM, -EMFILE, -ENFILE,
		  -ENOENT);
	check_workload(workload, ret);
	FAULT_CHECK(ret == 0 || err.expected[0] != '\0');
	wsim_free(workload);
	wsim_realloc_hook = NULL;
	(void)close(fd);
}

static const struct scenario text = {"wsim-text", run_text, NULL};
static const struct scenario file = {"wsim-file", run_file, NULL};

const struct scenario *const wsim_scenarios[] = {&text, &file, NULL};
