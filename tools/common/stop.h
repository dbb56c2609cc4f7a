/* SPDX-License-Identifier: MIT */
/*
 * Ctrl-C.  The first SIGINT or SIGTERM asks for a clean end, the second one ends the program at
 * once.
 */
#ifndef STOP_H
#define STOP_H

#include <stdbool.h>
#include <stddef.h>

struct wwr_interrupt_token;

/*
 * From now on a signal sets the flag.  Other threads should be created with stop_block() in force,
 * so that only the main thread runs the handler: a handler ends sleeps of the library.
 */
void stop_install(void);
void stop_uninstall(void);

/*
 * A signal interrupts these as well, which stay the caller's and must live until there are others,
 * or none.  With stop_block() in force in all threads.
 */
void stop_set_tokens(struct wwr_interrupt_token *const *tokens, size_t num_tokens);

/* Block or unblock both signals in this thread; threads created meanwhile inherit it. */
void stop_block(bool block);

/* The signal that came, 0 for none. */
int stop_signal(void);

#endif
