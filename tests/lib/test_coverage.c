/* SPDX-License-Identifier: MIT */
/*
 * For builds with -Dcoverage=true: a process that must abort or leaves by _exit() has taken
 * branches too, but gcov writes its counters only at a normal exit.  The linker sends both calls
 * here.
 */
void __gcov_dump(void);
_Noreturn void __real_abort(void);
_Noreturn void __real__exit(int status);
_Noreturn void __wrap_abort(void);
_Noreturn void __wrap__exit(int status);

_Noreturn void __wrap_abort(void)
{
	__gcov_dump();
	__real_abort();
}

_Noreturn void __wrap__exit(int status)
{
	__gcov_dump();
	__real__exit(status);
}
