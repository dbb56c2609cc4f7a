/* SPDX-License-Identifier: MIT */
/*
 * Memory that goes as early as the rules allow.  Contexts and sets are freed and poisoned as soon
 * as they end, in every scenario; here the mutexes too, by whoever unlocks them last.
 */
#include "tests/explore/world.h"

#define SCENARIO(id, text, ...)                                                                    \
	static const struct world_config id##_config = {__VA_ARGS__};                              \
	static const struct ex_scenario id = {#id, text, world_setup, world_check, &id##_config}

#define WW		       .algorithm = WWR_WOUND_WAIT
#define WD		       .algorithm = WWR_WAIT_DIE
#define SIZE(parties, mutexes) .num_parties = parties, .num_mutexes = mutexes

SCENARIO(free_plain, "plain lockers: the last one frees the mutex", WW, SIZE(3, 1),
	 .kinds = KIND_PLAIN, .flags = WORLD_FREE_MUTEX, .max_handoff = 1);
SCENARIO(free_ctx, "contexts: the last one frees each mutex, and its context", WW, SIZE(3, 2),
	 .kinds = KIND_CTX | KIND_PLAIN, .flags = WORLD_FREE_MUTEX, .max_handoff = 1);
SCENARIO(free_sets, "sets: each mutex goes when the last set has returned", WW, SIZE(3, 2),
	 .kinds = KINDS_ALL, .flags = WORLD_FREE_MUTEX | WORLD_SOME, .max_handoff = 1);
SCENARIO(wd_free, "wait-die: the last one frees each mutex", WD, SIZE(3, 2), .kinds = KINDS_ALL,
	 .flags = WORLD_FREE_MUTEX, .max_handoff = 1);
SCENARIO(ww_debug, "a fiber looks at waiters, holders and statistics", WW, SIZE(3, 2),
	 .kinds = KINDS_ALL, .flags = WORLD_DEBUGGER);
SCENARIO(wd_debug, "wait-die: a fiber looks at waiters, holders and statistics", WD, SIZE(3, 2),
	 .kinds = KINDS_ALL, .flags = WORLD_DEBUGGER);
SCENARIO(free_debug, "a fiber looks at waiters whose mutexes go", WW, SIZE(3, 2),
	 .kinds = KINDS_ALL, .flags = WORLD_FREE_MUTEX | WORLD_DEBUGGER, .max_handoff = 1);

SCENARIO(free_tokens, "contexts: a token is freed as soon as the wait with it is over", WW,
	 SIZE(3, 3), .kinds = KIND_CTX, .flags = WORLD_SHORT_TOKENS);

const struct ex_scenario *const ex_memory_scenarios[] = {
    &free_plain, &free_tokens, &free_ctx,   &free_sets, &wd_free,
    &ww_debug,	 &wd_debug,    &free_debug, NULL,
};
