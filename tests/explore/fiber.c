/* SPDX-License-Identifier: MIT */
/*
 * The switch between fibers.  Hand-written: swapcontext() makes a system call for the signal mask
 * and is seventeen times slower.
 */
#include "tests/explore/fiber.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/common_interface_defs.h>
#endif

/* Below each stack: an overflow crashes instead of writing into the next one. */
#define GUARD_BYTES 4096

/* Push what a call preserves, store the stack pointer, load the other one, pop. */
void explore_switch(void **ret_sp, void *sp);

#if defined(__x86_64__)
#define NUM_SAVED 6

/* The jump goes to one place only, and so is predicted; a return would not be. */
__asm__(".text\n"
	".globl explore_switch\n"
	".hidden explore_switch\n"
	".type explore_switch, @function\n"
	"explore_switch:\n"
	"	pushq %rbp\n"
	"	pushq %rbx\n"
	"	pushq %r12\n"
	"	pushq %r13\n"
	"	pushq %r14\n"
	"	pushq %r15\n"
	"	movq %rsp, (%rdi)\n"
	"	movq %rsi, %rsp\n"
	"	popq %r15\n"
	"	popq %r14\n"
	"	popq %r13\n"
	"	popq %r12\n"
	"	popq %rbx\n"
	"	popq %rbp\n"
	"	popq %rcx\n"
	"	jmp *%rcx\n"
	".size explore_switch, . - explore_switch\n");

static void *first_sp(char *top, void (*entry)(void))
{
	void **sp = (void **)top;

	*--sp = NULL; /* where entry would return to; keeps the alignment of a call */
	*--sp = (void *)entry;
	for (int i = 0; i < NUM_SAVED; i++)
		*--sp = NULL;
	return sp;
}
#elif defined(__aarch64__)
#define NUM_SAVED 20

__asm__(".text\n"
	".globl explore_switch\n"
	".hidden explore_switch\n"
	".type explore_switch, @function\n"
	"explore_switch:\n"
	"	sub sp, sp, #160\n"
	"	stp x19, x20, [sp, #0]\n"
	"	stp x21, x22, [sp, #16]\n"
	"	stp x23, x24, [sp, #32]\n"
	"	stp x25, x26, [sp, #48]\n"
	"	stp x27, x28, [sp, #64]\n"
	"	stp x29, x30, [sp, #80]\n"
	"	stp d8, d9, [sp, #96]\n"
	"	stp d10, d11, [sp, #112]\n"
	"	stp d12, d13, [sp, #128]\n"
	"	stp d14, d15, [sp, #144]\n"
	"	mov x9, sp\n"
	"	str x9, [x0]\n"
	"	mov sp, x1\n"
	"	ldp x19, x20, [sp, #0]\n"
	"	ldp x21, x22, [sp, #16]\n"
	"	ldp x23, x24, [sp, #32]\n"
	"	ldp x25, x26, [sp, #48]\n"
	"	ldp x27, x28, [sp, #64]\n"
	"	ldp x29, x30, [sp, #80]\n"
	"	ldp d8, d9, [sp, #96]\n"
	"	ldp d10, d11, [sp, #112]\n"
	"	ldp d12, d13, [sp, #128]\n"
	"	ldp d14, d15, [sp, #144]\n"
	"	add sp, sp, #160\n"
	"	br x30\n"
	".size explore_switch, . - explore_switch\n");

static void *first_sp(char *top, void (*entry)(void))
{
	void **sp = (void **)top - NUM_SAVED;

	memset(sp, 0, NUM_SAVED * sizeof(*sp));
	sp[11] = (void *)entry; /* x30 */
	return sp;
}
#else
#error "no fiber switch for this architecture"
#endif

char *fiber_alloc_stacks(unsigned int num)
{
	char *stacks = mmap(NULL, num * FIBER_STACK_BYTES, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (stacks == MAP_FAILED) {
		perror("explore: stacks");
		exit(1);
	}
	for (unsigned int i = 0; i < num; i++) {
		if (mprotect(stacks + i * FIBER_STACK_BYTES, GUARD_BYTES, PROT_NONE) != 0) {
			perror("explore: guard page");
			exit(1);
		}
	}
	return stacks;
}

void fiber_start(struct fiber *fiber, void (*entry)(void))
{
	fiber->sp = first_sp(fiber->stack + FIBER_STACK_BYTES, entry);
	fiber->fake_stack = NULL;
}

#ifdef __SANITIZE_ADDRESS__
/* The program's own stack, learned by the first fiber that is entered from it. */
static const void *main_stack;
static size_t main_stack_bytes;

static void sanitizer_start(struct fiber *from, const struct fiber *to)
{
	__sanitizer_start_switch_fiber(from != NULL ? &from->fake_stack : NULL,
				       to->stack != NULL ? to->stack : main_stack,
				       to->stack != NULL ? FIBER_STACK_BYTES : main_stack_bytes);
}

static void sanitizer_finish(struct fiber *self)
{
	__sanitizer_finish_switch_fiber(self->fake_stack, NULL, NULL);
}

void fiber_entered(void)
{
	const void *stack;
	size_t size_bytes;

	__sanitizer_finish_switch_fiber(NULL, &stack, &size_bytes);
	if (main_stack == NULL) {
		main_stack = stack;
		main_stack_bytes = size_bytes;
	}
}
#else
static inline void sanitizer_start(struct fiber *from, const struct fiber *to)
{
	(void)from;
	(void)to;
}

static inline void sanitizer_finish(struct fiber *self)
{
	(void)self;
}

void fiber_entered(void)
{
}
#endif

void fiber_switch(struct fiber *from, struct fiber *to)
{
	void *nowhere;

	sanitizer_start(from, to);
	explore_switch(from != NULL ? &from->sp : &nowhere, to->sp);
	if (from != NULL)
		sanitizer_finish(from);
}
