/* SPDX-License-Identifier: MIT */
#ifndef TESTS_FAULTS_INTERPOSE_H
#define TESTS_FAULTS_INTERPOSE_H

/*
 * Between the libraries and the system: counts what they ask for, and makes one call, or that and
 * all later ones of its kind, fail.  The linker sends the calls here (--wrap); the test's own ones
 * must go to the __real_ functions.
 *
 * What cannot fail is left alone; the file exempt says what that is, and why.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <pthread.h>
#include <sys/types.h>

enum fault_kind {
	FAULT_ALLOC,
	FAULT_WSIM_ALLOC,
	FAULT_PTHREAD_CREATE,
	FAULT_PTHREAD_KEY_CREATE,
	FAULT_PTHREAD_SETSPECIFIC,
	FAULT_PTHREAD_ATFORK,
	FAULT_FUTEX_WAIT,
	FAULT_FUTEX_WAKE,
	FAULT_MMAP,
	FAULT_MADVISE,
	FAULT_NANOSLEEP,
	FAULT_EVENTFD,
	FAULT_EPOLL_CREATE,
	FAULT_EPOLL_CTL,
	FAULT_MEMFD_CREATE,
	FAULT_FTRUNCATE,
	FAULT_DUP,   /* fcntl F_DUPFD_CLOEXEC */
	FAULT_LEASE, /* fcntl F_SETLEASE */
	FAULT_FCNTL, /* any other fcntl */
	FAULT_OPEN,
	FAULT_READ,
	FAULT_WRITE,
	FAULT_STAT,
	FAULT_FSTAT,
	FAULT_NUM_KINDS
};

const char *fault_kind_name(enum fault_kind kind);

static inline bool fault_kind_is_memory(enum fault_kind kind)
{
	return kind == FAULT_ALLOC || kind == FAULT_WSIM_ALLOC;
}

/* In how many ways a call of the kind fails. */
unsigned int fault_kind_errors(enum fault_kind kind);

struct fault_plan {
	enum fault_kind kind;
	long at;     /* the call of this kind that fails, from 1 on; 0 = none */
	bool sticky; /* so do all later ones of the kind */
	unsigned int error;
};

#define FAULT_MAX_SITES 512

/* Where the libraries make a call. */
struct fault_site {
	uintptr_t address; /* (a) the return address, as objdump shows it */
	uint8_t kind;
	uint8_t failed; /* (a) was made to fail there */
};

/* What a run tells; in memory shared with the process that started it. */
struct fault_record {
	long num_calls[FAULT_NUM_KINDS]; /* (a) so far, also where nothing fails any more */
	uint32_t num_injected;		 /* (a) */
	struct fault_site sites[FAULT_MAX_SITES];
	uint32_t num_problems; /* (a) */
	char problem[256];     /* the first one */
};

/* From here on calls are counted, into the record, and one fails. */
void faults_arm(struct fault_record *record, const struct fault_plan *plan);

/* From here on nothing fails; calls are still counted. */
void faults_disarm(void);

/* Was a call made to fail? */
bool faults_injected(void);

/* So many calls of a kind so far. */
long faults_num_calls(enum fault_kind kind);

/* Of a wrapped function: count the call; 0, or the error with which it must fail. */
int faults_call(enum fault_kind kind, const void *return_address);
#define FAULT(kind) faults_call(kind, __builtin_return_address(0))

/* A block of memory that the allocator does not know came or went. */
void faults_count_blocks(long num);

/* Something is wrong; the first one counts. */
void faults_problem(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* What the libraries have: memory of the allocator, mappings, threads that were not joined. */
struct fault_live {
	long blocks, maps, threads;
};

struct fault_live faults_live(void);

int __real_pthread_create(pthread_t *thread, const pthread_attr_t *attr, void *(*fn)(void *),
			  void *arg);
int __real_pthread_join(pthread_t thread, void **ret_value);
void *__real_wwr_alloc(size_t size_bytes);
int __real_eventfd(unsigned int count, int flags);
int __real_memfd_create(const char *name, unsigned int flags);
int __real_ftruncate64(int fd, off_t length);
ssize_t __real_write(int fd, const void *data, size_t size);

#endif /* TESTS_FAULTS_INTERPOSE_H */
