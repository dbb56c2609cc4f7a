/* SPDX-License-Identifier: MIT */
#ifndef WAIT_ANY_H
#define WAIT_ANY_H

#include <stddef.h>

struct wwr_fence;
struct wwr_interrupt_token;

/*
 * Sleep until one of the fences has signalled.  Returns 0, -EINTR once the token is interrupted,
 * or -ENOMEM; without fences 0 at once.
 */
int wait_any(struct wwr_fence *const *fences, size_t num, struct wwr_interrupt_token *token);

#endif
