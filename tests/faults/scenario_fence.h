/* SPDX-License-Identifier: MIT */
#ifndef TESTS_FAULTS_SCENARIO_FENCE_H
#define TESTS_FAULTS_SCENARIO_FENCE_H

#include <wwresv/fence.h>

extern const struct wwr_fence_ops scenario_fence_ops;

/* A fence of a context of its own; no fault can hit its memory. */
struct wwr_fence *scenario_fence(void);

/* Signal it, unless it has, and put it; NULL is a no-op. */
void scenario_fence_done(struct wwr_fence *fence);

#endif /* TESTS_FAULTS_SCENARIO_FENCE_H */
