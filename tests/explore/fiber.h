/* SPDX-License-Identifier: MIT */
#ifndef TESTS_EXPLORE_FIBER_H
#define TESTS_EXPLORE_FIBER_H

#include <stdbool.h>
#include <stddef.h>

/*
 * Threads of control that take turns: a stack and the registers that a call preserves.
 *
 * Fields: private, but for sp: while the fiber does not run, everything below it on its stack is
 * dead.
 */
struct fiber {
	void *sp;
	char *stack;	  /* lowest byte */
	void *fake_stack; /* of AddressSanitizer */
};

/* All stacks lie in one piece of memory, each FIBER_STACK_BYTES long with a guard page below. */
#define FIBER_STACK_BYTES ((size_t)64 * 1024)

/* Make so many stacks, one after the other; ends the program if there is no memory. */
char *fiber_alloc_stacks(unsigned int num);

/* The next switch to the fiber calls entry on its empty stack; entry must not return. */
void fiber_start(struct fiber *fiber, void (*entry)(void));

/*
 * Save what runs into from and go on with to.  from == NULL: what runs is never gone on with.
 * The caller's own stack is described by a struct fiber without stack if it is the program's.
 */
void fiber_switch(struct fiber *from, struct fiber *to);

/* Called first of all by an entry function. */
void fiber_entered(void);

#endif /* TESTS_EXPLORE_FIBER_H */
