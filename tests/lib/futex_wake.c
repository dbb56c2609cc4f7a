/* SPDX-License-Identifier: MIT */
/*
 * Preloaded under memcheck, which takes the address given to a FUTEX_WAKE for memory that the
 * kernel reads.  It is an address and no more: the word may be gone, or be something else, by the
 * time of the call (lockset/park.c).  So memcheck does not look at these calls; it does at all
 * others.
 */
#include <dlfcn.h>
#include <linux/futex.h>
#include <stdarg.h>
#include <stdbool.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <valgrind/valgrind.h>

#define NUM_ARGS 6

static long (*real_syscall)(long number, ...);

__attribute__((constructor)) static void find_real(void)
{
	real_syscall = (long (*)(long number, ...))dlsym(RTLD_NEXT, "syscall");
}

static bool is_wake(long operation)
{
	const long command = operation & FUTEX_CMD_MASK;

	return command == FUTEX_WAKE || command == FUTEX_WAKE_BITSET;
}

/* The caller may have given fewer arguments: what the others are does not matter then. */
long syscall(long number, ...)
{
	long args[NUM_ARGS];
	va_list list;
	bool wake;
	long ret;

	va_start(list, number);
	for (int i = 0; i < NUM_ARGS; i++)
		args[i] = va_arg(list, long);
	va_end(list);
	wake = number == SYS_futex && is_wake(args[1]);
	if (wake)
		VALGRIND_DISABLE_ERROR_REPORTING;
	ret = real_syscall(number, args[0], args[1], args[2], args[3], args[4], args[5]);
	if (wake)
		VALGRIND_ENABLE_ERROR_REPORTING;
	return ret;
}
