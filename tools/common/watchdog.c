/* SPDX-License-Identifier: MIT */
#include "tools/common/watchdog.h"

#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "tools/common/cli.h"

/* Written while the alarm is off. */
static const char *the_message;

static void on_alarm(int number)
{
	(void)number;
	(void)!write(STDERR_FILENO, the_message, strlen(the_message));
	(void)!write(STDERR_FILENO, "\n", 1);
	_exit(CLI_CHECK_FAILED);
}

void watchdog_arm(unsigned int seconds, const char *message)
{
	struct sigaction action = {.sa_handler = on_alarm};

	the_message = message;
	sigemptyset(&action.sa_mask);
	sigaction(SIGALRM, &action, NULL);
	alarm(seconds);
}

void watchdog_disarm(void)
{
	alarm(0);
}
