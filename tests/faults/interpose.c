/* SPDX-License-Identifier: MIT */
#include "tests/faults/interpose.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <wwresv/alloc.h>

#include "lockset/wwr_atomic.h"

#define MAX_ERRORS 3

static const struct {
	const char *name;
	int errors[MAX_ERRORS];
} kinds[FAULT_NUM_KINDS] = {
    [FAULT_ALLOC] = {"wwr_alloc", {ENOMEM}},
    [FAULT_WSIM_ALLOC] = {"memory of the parser", {ENOMEM}},
    [FAULT_PTHREAD_CREATE] = {"pthread_create", {EAGAIN}},
    [FAULT_PTHREAD_KEY_CREATE] = {"pthread_key_create", {EAGAIN}},
    [FAULT_PTHREAD_SETSPECIFIC] = {"pthread_setspecific", {ENOMEM}},
    [FAULT_PTHREAD_ATFORK] = {"pthread_atfork", {ENOMEM}},
    [FAULT_FUTEX_WAIT] = {"futex wait", {EINTR, EAGAIN, ENOSYS}},
    [FAULT_FUTEX_WAKE] = {"futex wake", {EFAULT}},
    [FAULT_MMAP] = {"mmap", {ENOMEM}},
    [FAULT_MADVISE] = {"madvise", {ENOMEM}},
    [FAULT_NANOSLEEP] = {"clock_nanosleep", {EINTR}},
    [FAULT_EVENTFD] = {"eventfd", {EMFILE, ENOMEM}},
    [FAULT_EPOLL_CREATE] = {"epoll_create1", {EMFILE, ENOMEM}},
    [FAULT_EPOLL_CTL] = {"epoll_ctl", {ENOSPC, ENOMEM}},
    [FAULT_MEMFD_CREATE] = {"memfd_create", {EMFILE, ENOMEM}},
    [FAULT_FTRUNCATE] = {"ftruncate", {ENOMEM, EFBIG}},
    [FAULT_DUP] = {"fcntl F_DUPFD_CLOEXEC", {EMFILE}},
    [FAULT_LEASE] = {"fcntl F_SETLEASE", {EAGAIN, ENOMEM}},
    [FAULT_OPEN] = {"open", {EMFILE, ENFILE, ENOENT}},
    [FAULT_FCNTL] = {"fcntl", {EBADF}},
    [FAULT_READ] = {"read", {ENOMEM}},
    [FAULT_WRITE] = {"write", {EAGAIN}},
    [FAULT_STAT] = {"stat", {EACCES}},
    [FAULT_FSTAT] = {"fstat", {EBADF}},
};

/* Of the program's text; for addresses as objdump has them. */
extern const char __executable_start[];

static struct fault_record *record;
static struct fault_plan plan;
static uint32_t armed;	       /* (a) */
static struct fault_live live; /* (a) */

const char *fault_kind_name(enum fault_kind kind)
{
	return kinds[kind].name;
}

unsigned int fault_kind_errors(enum fault_kind kind)
{
	unsigned int num = 0;

	while (num < MAX_ERRORS && kinds[kind].errors[num] != 0)
		num++;
	return num;
}

/* Relaxed, here and below: counts and flags that order nothing. */
static struct fault_site *find_site(enum fault_kind kind, const void *return_address)
{
	uintptr_t address = (uintptr_t)return_address - (uintptr_t)__executable_start;

	for (uint32_t i = 0; i < FAULT_MAX_SITES; i++) {
		struct fault_site *site = &record->sites[i];
		uintptr_t old = 0;

		if (wwr_atomic_cas(&site->address, &old, address, WWR_RELAXED))
			site->kind = (uint8_t)kind;
		else if (old != address)
			continue;
		return site;
	}
	abort(); /* FAULT_MAX_SITES is too small */
}

int faults_call(enum fault_kind kind, const void *return_address)
{
	struct fault_site *site;
	long number;

	if (record == NULL)
		return 0;
	site = find_site(kind, return_address);
	number = wwr_atomic_fetch_add(&record->num_calls[kind], 1, WWR_RELAXED) + 1;
	if (wwr_atomic_load(&armed, WWR_RELAXED) == 0 || kind != plan.kind)
		return 0;
	if (plan.sticky ? number < plan.at : number != plan.at)
		return 0;
	(void)wwr_atomic_fetch_add(&record->num_injected, 1, WWR_RELAXED);
	wwr_atomic_store(&site->failed, 1, WWR_RELAXED);
	return kinds[kind].errors[plan.error % fault_kind_errors(kind)];
}

static void *counting_alloc(size_t size_bytes, void *data)
{
	void *ptr = calloc(1, size_bytes);

	(void)data;
	if (ptr != NULL)
		(void)wwr_atomic_fetch_add(&live.blocks, 1, WWR_RELAXED);
	return ptr;
}

static void counting_free(void *ptr, void *data)
{
	(void)data;
	(void)wwr_atomic_fetch_sub(&live.blocks, 1, WWR_RELAXED);
	free(ptr);
}

void faults_arm(struct fault_record *new_record, const struct fault_plan *new_plan)
{
	static const struct wwr_allocator allocator = {counting_alloc, counting_free, NULL};

	wwr_set_allocator(&allocator);
	plan = *new_plan;
	record = new_record;
	wwr_atomic_store(&armed, plan.at != 0, WWR_RELAXED);
}

void faults_disarm(void)
{
	wwr_atomic_store(&armed, 0, WWR_RELAXED);
}

bool faults_injected(void)
{
	return wwr_atomic_load(&record->num_injected, WWR_RELAXED) != 0;
}

long faults_num_calls(enum fault_kind kind)
{
	return wwr_atomic_load(&record->num_calls[kind], WWR_RELAXED);
}

void faults_count_blocks(long num)
{
	(void)wwr_atomic_fetch_add(&live.blocks, num, WWR_RELAXED);
}

void faults_problem(const char *format, ...)
{
	va_list args;

	if (wwr_atomic_fetch_add(&record->num_problems, 1, WWR_RELAXED) != 0)
		return;
	va_start(args, format);
	vsnprintf(record->problem, sizeof(record->problem), format, args);
	va_end(args);
}

struct fault_live faults_live(void)
{
	return (struct fault_live){
	    .blocks = wwr_atomic_load(&live.blocks, WWR_RELAXED),
	    .maps = wwr_atomic_load(&live.maps, WWR_RELAXED),
	    .threads = wwr_atomic_load(&live.threads, WWR_RELAXED),
	};
}

/* Sets errno for what returns -1. */
static int fail(int error)
{
	errno = error;
	return -1;
}

void *__wrap_wwr_alloc(size_t size_bytes);
void *__wrap_wwr_alloc(size_t size_bytes)
{
	return FAULT(FAULT_ALLOC) != 0 ? NULL : __real_wwr_alloc(size_bytes);
}

void *__real_wwr_alloc_array(size_t num, size_t size_bytes);
void *__wrap_wwr_alloc_array(size_t num, size_t size_bytes);
void *__wrap_wwr_alloc_array(size_t num, size_t size_bytes)
{
	return FAULT(FAULT_ALLOC) != 0 ? NULL : __real_wwr_alloc_array(num, size_bytes);
}

int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attr, void *(*fn)(void *),
			  void *arg);
int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attr, void *(*fn)(void *),
			  void *arg)
{
	int error = FAULT(FAULT_PTHREAD_CREATE);

	if (error == 0)
		error = __real_pthread_create(thread, attr, fn, arg);
	if (error == 0)
		(void)wwr_atomic_fetch_add(&live.threads, 1, WWR_RELAXED);
	return error;
}

int __wrap_pthread_join(pthread_t thread, void **ret_value);
int __wrap_pthread_join(pthread_t thread, void **ret_value)
{
	(void)wwr_atomic_fetch_sub(&live.threads, 1, WWR_RELAXED);
	return __real_pthread_join(thread, ret_value);
}

int __real_pthread_key_create(pthread_key_t *key, void (*destructor)(void *));
int __wrap_pthread_key_create(pthread_key_t *key, void (*destructor)(void *));
int __wrap_pthread_key_create(pthread_key_t *key, void (*destructor)(void *))
{
	int error = FAULT(FAULT_PTHREAD_KEY_CREATE);

	return error != 0 ? error : __real_pthread_key_create(key, destructor);
}

int __real_pthread_setspecific(pthread_key_t key, const void *value);
int __wrap_pthread_setspecific(pthread_key_t key, const void *value);
int __wrap_pthread_setspecific(pthread_key_t key, const void *value)
{
	int error = FAULT(FAULT_PTHREAD_SETSPECIFIC);

	return error != 0 ? error : __real_pthread_setspecific(key, value);
}

int __real_pthread_atfork(void (*prepare)(void), void (*parent)(void), void (*child)(void));
int __wrap_pthread_atfork(void (*prepare)(void), void (*parent)(void), void (*child)(void));
int __wrap_pthread_atfork(void (*prepare)(void), void (*parent)(void), void (*child)(void))
{
	int error = FAULT(FAULT_PTHREAD_ATFORK);

	return error != 0 ? error : __real_pthread_atfork(prepare, parent, child);
}

long __real_syscall(long number, long a, long b, long c, long d, long e, long f);
long __wrap_syscall(long number, long a, long b, long c, long d, long e, long f);
long __wrap_syscall(long number, long a, long b, long c, long d, long e, long f)
{
	bool waits = number == SYS_futex && (b & FUTEX_CMD_MASK) == FUTEX_WAIT_BITSET;
	bool wakes = number == SYS_futex && !waits;
	int error = 0;
	long ret;

	if (waits)
		error = FAULT(FAULT_FUTEX_WAIT);
	else if (wakes)
		error = FAULT(FAULT_FUTEX_WAKE);
	if (waits && error != 0)
		return fail(error);
	ret = __real_syscall(number, a, b, c, d, e, f);
	/* The word is gone for us, and others are woken all the same. */
	return error != 0 ? fail(error) : ret;
}

void *__real_mmap64(void *addr, size_t length, int prot, int flags, int fd, off_t offset);
void *__wrap_mmap64(void *addr, size_t length, int prot, int flags, int fd, off_t offset);
void *__wrap_mmap64(void *addr, size_t length, int prot, int flags, int fd, off_t offset)
{
	int error = FAULT(FAULT_MMAP);
	void *map = MAP_FAILED;

	if (error != 0)
		errno = error;
	else
		map = __real_mmap64(addr, length, prot, flags, fd, offset);
	if (map != MAP_FAILED && record != NULL)
		(void)wwr_atomic_fetch_add(&live.maps, 1, WWR_RELAXED);
	return map;
}

int __real_munmap(void *addr, size_t length);
int __wrap_munmap(void *addr, size_t length);
int __wrap_munmap(void *addr, size_t length)
{
	(void)wwr_atomic_fetch_sub(&live.maps, 1, WWR_RELAXED);
	return __real_munmap(addr, length);
}

int __real_madvise(void *addr, size_t length, int advice);
int __wrap_madvise(void *addr, size_t length, int advice);
int __wrap_madvise(void *addr, size_t length, int advice)
{
	int error = FAULT(FAULT_MADVISE);

	return error != 0 ? fail(error) : __real_madvise(addr, length, advice);
}

int __real_clock_nanosleep(clockid_t clock, int flags, const struct timespec *end,
			   struct timespec *rest);
int __wrap_clock_nanosleep(clockid_t clock, int flags, const struct timespec *end,
			   struct timespec *rest);
int __wrap_clock_nanosleep(clockid_t clock, int flags, const struct timespec *end,
			   struct timespec *rest)
{
	int error = FAULT(FAULT_NANOSLEEP);
	struct timespec now;

	/* A handler runs as often as may be, but time passes. */
	clock_gettime(clock, &now);
	if (error != 0 &&
	    (now.tv_sec < end->tv_sec || (now.tv_sec == end->tv_sec && now.tv_nsec < end->tv_nsec)))
		return error;
	return __real_clock_nanosleep(clock, flags, end, rest);
}

int __wrap_eventfd(unsigned int count, int flags);
int __wrap_eventfd(unsigned int count, int flags)
{
	int error = FAULT(FAULT_EVENTFD);

	return error != 0 ? fail(error) : __real_eventfd(count, flags);
}

int __real_epoll_create1(int flags);
int __wrap_epoll_create1(int flags);
int __wrap_epoll_create1(int flags)
{
	int error = FAULT(FAULT_EPOLL_CREATE);

	return error != 0 ? fail(error) : __real_epoll_create1(flags);
}

int __real_epoll_ctl(int epoll_fd, int op, int fd, struct epoll_event *event);
int __wrap_epoll_ctl(int epoll_fd, int op, int fd, struct epoll_event *event);
int __wrap_epoll_ctl(int epoll_fd, int op, int fd, struct epoll_event *event)
{
	int error = FAULT(FAULT_EPOLL_CTL);

	return error != 0 ? fail(error) : __real_epoll_ctl(epoll_fd, op, fd, event);
}

int __wrap_memfd_create(const char *name, unsigned int flags);
int __wrap_memfd_create(const char *name, unsigned int flags)
{
	int error = FAULT(FAULT_MEMFD_CREATE);

	return error != 0 ? fail(error) : __real_memfd_create(name, flags);
}

int __wrap_ftruncate64(int fd, off_t length);
int __wrap_ftruncate64(int fd, off_t length)
{
	int error = FAULT(FAULT_FTRUNCATE);

	return error != 0 ? fail(error) : __real_ftruncate64(fd, length);
}

int __real_fcntl64(int fd, int command, ...);
int __wrap_fcntl64(int fd, int command, ...);
int __wrap_fcntl64(int fd, int command, ...)
{
	va_list args;
	int error = 0;
	long arg;

	va_start(args, command);
	arg = va_arg(args, long);
	va_end(args);
	if (command == F_DUPFD_CLOEXEC)
		error = FAULT(FAULT_DUP);
	else if (command == F_SETLEASE && arg != F_UNLCK)
		error = FAULT(FAULT_LEASE);
	else
		error = FAULT(FAULT_FCNTL);
	/* Nothing is left locked, whatever it says. */
	if (command == F_SETLEASE && arg == F_UNLCK)
		(void)__real_fcntl64(fd, command, arg);
	return error != 0 ? fail(error) : __real_fcntl64(fd, command, arg);
}

/* The libraries create no file. */
int __real_open64(const char *path, int flags, ...);
int __wrap_open64(const char *path, int flags, ...);
int __wrap_open64(const char *path, int flags, ...)
{
	int error = FAULT(FAULT_OPEN);

	return error != 0 ? fail(error) : __real_open64(path, flags);
}

/* What these two are where the compiler looks at modes and sizes (_FORTIFY_SOURCE). */
int __wrap___open64_2(const char *path, int flags);
int __wrap___open64_2(const char *path, int flags)
{
	int error = FAULT(FAULT_OPEN);

	return error != 0 ? fail(error) : __real_open64(path, flags);
}

ssize_t __real___read_chk(int fd, void *data, size_t size, size_t room);
ssize_t __wrap___read_chk(int fd, void *data, size_t size, size_t room);
ssize_t __wrap___read_chk(int fd, void *data, size_t size, size_t room)
{
	int error = FAULT(FAULT_READ);

	return error != 0 ? fail(error) : __real___read_chk(fd, data, size, room);
}

ssize_t __real_read(int fd, void *data, size_t size);
ssize_t __wrap_read(int fd, void *data, size_t size);
ssize_t __wrap_read(int fd, void *data, size_t size)
{
	int error = FAULT(FAULT_READ);

	return error != 0 ? fail(error) : __real_read(fd, data, size);
}

/* A strange hand has filled the eventfd's counter. */
ssize_t __wrap_write(int fd, const void *data, size_t size);
ssize_t __wrap_write(int fd, const void *data, size_t size)
{
	const uint64_t full = UINT64_MAX - 1;
	int error = FAULT(FAULT_WRITE);

	if (error == 0)
		return __real_write(fd, data, size);
	(void)!__real_write(fd, &full, sizeof(full));
	return fail(error);
}

int __real_stat64(const char *path, struct stat64 *ret_stat);
int __wrap_stat64(const char *path, struct stat64 *ret_stat);
int __wrap_stat64(const char *path, struct stat64 *ret_stat)
{
	int error = FAULT(FAULT_STAT);

	return error != 0 ? fail(error) : __real_stat64(path, ret_stat);
}

int __real_fstat64(int fd, struct stat64 *ret_stat);
int __wrap_fstat64(int fd, struct stat64 *ret_stat);
int __wrap_fstat64(int fd, struct stat64 *ret_stat)
{
	int error = FAULT(FAULT_FSTAT);

	return error != 0 ? fail(error) : __real_fstat64(fd, ret_stat);
}
