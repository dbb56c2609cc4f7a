/* SPDX-License-Identifier: MIT */
/*
 * The handler touches only what is async-signal-safe: the flag, and tokens whose array changes only
 * while the handler cannot run.
 */
#include "tools/common/stop.h"

#include <signal.h>

#include <wwresv/interrupt.h>

static const int the_signals[] = {SIGINT, SIGTERM};

#define NUM_SIGNALS (sizeof(the_signals) / sizeof(the_signals[0]))

static volatile sig_atomic_t stopped_by;
static struct wwr_interrupt_token *const *stop_tokens;
static size_t stop_num_tokens;
static struct sigaction old_actions[NUM_SIGNALS];

static void on_signal(int number)
{
	size_t i;

	stopped_by = number;
	for (i = 0; i < stop_num_tokens; i++)
		wwr_interrupt(stop_tokens[i]);
}

void stop_install(void)
{
	struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_RESETHAND};
	size_t i;

	stopped_by = 0;
	sigemptyset(&action.sa_mask);
	/* SA_RESETHAND is per signal: the other one must not run the handler in between. */
	for (i = 0; i < NUM_SIGNALS; i++)
		sigaddset(&action.sa_mask, the_signals[i]);
	for (i = 0; i < NUM_SIGNALS; i++) {
		/* Even if ignored so far: a shell does that to every job in the background. */
		sigaction(the_signals[i], &action, &old_actions[i]);
	}
}

void stop_uninstall(void)
{
	size_t i;

	for (i = 0; i < NUM_SIGNALS; i++)
		sigaction(the_signals[i], &old_actions[i], NULL);
}

void stop_set_tokens(struct wwr_interrupt_token *const *tokens, size_t num_tokens)
{
	stop_tokens = tokens;
	stop_num_tokens = num_tokens;
}

void stop_block(bool block)
{
	sigset_t set;
	size_t i;

	sigemptyset(&set);
	for (i = 0; i < NUM_SIGNALS; i++)
		sigaddset(&set, the_signals[i]);
	pthread_sigmask(block ? SIG_BLOCK : SIG_UNBLOCK, &set, NULL);
}

int stop_signal(void)
{
	return stopped_by;
}
