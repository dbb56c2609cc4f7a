/* SPDX-License-Identifier: MIT */
/* Arguments on stacks: what is in the caller's frames is there, and beyond their end nothing is. */
#include "tests/drivers/test_core.h"

#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

TestSuite(drivers_core_stack, .init = core_setup, .fini = core_teardown, .timeout = 30);

#define STACK_BYTES (1u << 20)

/* A stack, and behind it nothing. */
static uint8_t *stack;

/* What the ioctls on it said; the main thread looks at them. */
static struct {
	int own, own_text, over_end, behind_end, text_over_end;
	struct drm_version version;
	char name[8];
} seen;

static void make_stack(void)
{
	stack = mmap(NULL, STACK_BYTES + (size_t)sysconf(_SC_PAGESIZE), PROT_NONE,
		     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	cr_assert_neq(stack, MAP_FAILED);
	cr_assert_eq(mprotect(stack, STACK_BYTES, PROT_READ | PROT_WRITE), 0);
	memset(&seen, 0, sizeof(seen));
}

static void use_stack(void)
{
	struct drm_version version = {0};
	char name[8] = "";

	seen.own = core_do(card, DRM_IOCTL_VERSION, &version);
	seen.version = version;
	version = (struct drm_version){.name_len = sizeof(name), .name = name};
	seen.own_text = core_do(card, DRM_IOCTL_VERSION, &version);
	memcpy(seen.name, name, sizeof(name));
	seen.over_end = core_do(card, DRM_IOCTL_VERSION, stack + STACK_BYTES - 8);
	seen.behind_end = core_do(card, DRM_IOCTL_VERSION, stack + STACK_BYTES);
	version.name = (char *)stack + STACK_BYTES - 2;
	seen.text_over_end = core_do(card, DRM_IOCTL_VERSION, &version);
}

static void expect_seen(void)
{
	cr_expect_eq(seen.own, 0);
	cr_expect_eq(seen.version.name_len, 4);
	cr_expect_eq(seen.own_text, 0);
	cr_expect_str_eq(seen.name, "vgem");
	cr_expect_eq(seen.over_end, -EFAULT);
	cr_expect_eq(seen.behind_end, -EFAULT);
	cr_expect_eq(seen.text_over_end, -EFAULT);
	(void)munmap(stack, STACK_BYTES + (size_t)sysconf(_SC_PAGESIZE));
}

static void *thread_main(void *arg)
{
	use_stack();
	return arg;
}

Test(drivers_core_stack, of_a_thread)
{
	pthread_attr_t attr;
	pthread_t thread;

	make_stack();
	cr_assert_eq(pthread_attr_init(&attr), 0);
	cr_assert_eq(pthread_attr_setstack(&attr, stack, STACK_BYTES), 0);
	cr_assert_eq(pthread_create(&thread, &attr, thread_main, NULL), 0);
	pthread_join(thread, NULL);
	pthread_attr_destroy(&attr);
	expect_seen();
}

static void on_signal(int number)
{
	(void)number;
	use_stack();
}

/* The thread's own stack is elsewhere: what is between the two is nobody's. */
Test(drivers_core_stack, of_a_signal_handler)
{
	const struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_ONSTACK};
	stack_t alternate = {.ss_size = STACK_BYTES}, before;

	make_stack();
	alternate.ss_sp = stack;
	cr_assert_eq(sigaltstack(&alternate, &before), 0);
	cr_assert_eq(sigaction(SIGUSR1, &action, NULL), 0);
	cr_assert_eq(raise(SIGUSR1), 0);
	cr_assert_eq(sigaltstack(&before, NULL), 0);
	expect_seen();
}

/* Where the mapping of the main thread's stack ends; 0 = the system does not say. */
static uintptr_t main_stack_end(void)
{
	FILE *maps = fopen("/proc/self/maps", "r");
	uintptr_t begin, end, found = 0;
	char line[512];

	if (maps == NULL)
		return 0;
	while (fgets(line, sizeof(line), maps) != NULL) {
		if (strstr(line, "[stack]") != NULL &&
		    sscanf(line, "%" SCNxPTR "-%" SCNxPTR, &begin, &end) == 2)
			found = end;
	}
	(void)fclose(maps);
	return found;
}

Test(drivers_core_stack, of_the_main_thread)
{
	struct drm_version version = {0};
	const uintptr_t end = main_stack_end();

	cr_expect_eq(core_do(card, DRM_IOCTL_VERSION, &version), 0);
	cr_expect_eq(version.name_len, 4);
	if (end == 0)
		cr_skip_test("no /proc/self/maps");
	/* Behind it is nothing, but for what the system put there for a reason. */
	cr_expect_eq(core_do(card, DRM_IOCTL_VERSION, (void *)(end - 8)), -EFAULT);
}
