/* SPDX-License-Identifier: MIT */
/* What ends or disturbs a wait: interrupts, deadlines, signals, injection, hand-offs, limits. */
#include "tests/explore/world.h"

#define SCENARIO(id, text, ...)                                                                    \
	static const struct world_config id##_config = {__VA_ARGS__};                              \
	static const struct ex_scenario id = {#id, text, world_setup, world_check, &id##_config}

#define WW		       .algorithm = WWR_WOUND_WAIT
#define WD		       .algorithm = WWR_WAIT_DIE
#define SIZE(parties, mutexes) .num_parties = parties, .num_mutexes = mutexes

SCENARIO(ww_interrupt, "wound-wait: tokens are interrupted during waits and back-offs", WW,
	 SIZE(3, 2), .kinds = KINDS_ALL, .flags = WORLD_TOKENS, .max_handoff = 1);
SCENARIO(wd_interrupt, "wait-die: tokens are interrupted during waits and back-offs", WD,
	 SIZE(3, 2), .kinds = KINDS_ALL, .flags = WORLD_TOKENS, .max_handoff = 1);
SCENARIO(ww_deadline, "wound-wait: deadlines pass during waits", WW, SIZE(3, 2), .kinds = KINDS_ALL,
	 .flags = WORLD_DEADLINES, .max_handoff = 1);
SCENARIO(wd_deadline, "wait-die: deadlines pass during waits", WD, SIZE(3, 2), .kinds = KINDS_ALL,
	 .flags = WORLD_DEADLINES, .max_handoff = 1);
SCENARIO(ww_disturbed, "wound-wait: tokens, deadlines and signals at once", WW, SIZE(3, 3),
	 .kinds = KINDS_ALL, .flags = WORLD_TOKENS | WORLD_DEADLINES | WORLD_SIGNALS,
	 .max_handoff = 2);
SCENARIO(wd_disturbed, "wait-die: tokens, deadlines and signals at once", WD, SIZE(3, 3),
	 .kinds = KINDS_ALL, .flags = WORLD_TOKENS | WORLD_DEADLINES | WORLD_SIGNALS,
	 .max_handoff = 2);
SCENARIO(ww_signals, "wound-wait: signal handlers and spurious wake-ups", WW, SIZE(3, 2),
	 .kinds = KINDS_ALL, .flags = WORLD_SIGNALS);
SCENARIO(wd_signals, "wait-die: signal handlers and spurious wake-ups", WD, SIZE(3, 2),
	 .kinds = KINDS_ALL, .flags = WORLD_SIGNALS);
SCENARIO(ww_inject, "wound-wait: injected back-offs among real ones", WW, SIZE(3, 3),
	 .kinds = KINDS_ALL, .flags = WORLD_INJECT);
SCENARIO(wd_inject, "wait-die: injected back-offs among real ones", WD, SIZE(3, 3),
	 .kinds = KINDS_ALL, .flags = WORLD_INJECT);
SCENARIO(stuck, "a mutex is not let go before everybody was interrupted or too late", WW,
	 SIZE(3, 2), .kinds = KINDS_ALL, .flags = WORLD_STUCK);
SCENARIO(wd_stuck, "wait-die: a mutex is not let go before everybody has given up", WD, SIZE(3, 2),
	 .kinds = KINDS_ALL, .flags = WORLD_STUCK);
SCENARIO(handoff_interrupt, "plain lockers: a hand-off meets an interrupt or a deadline", WW,
	 SIZE(4, 1), .kinds = KIND_PLAIN, .flags = WORLD_TOKENS | WORLD_DEADLINES, .rounds = 2,
	 .max_handoff = 1);
SCENARIO(handoff_interrupt_ctx, "contexts: a hand-off meets an interrupt or a deadline", WW,
	 SIZE(4, 1), .kinds = KIND_CTX | KIND_PLAIN, .flags = WORLD_TOKENS | WORLD_DEADLINES,
	 .rounds = 2, .max_handoff = 1);
SCENARIO(plain_fair, "plain lockers: nobody is passed over too often", WW, SIZE(4, 1),
	 .kinds = KIND_PLAIN, .flags = WORLD_FAIR, .rounds = 6, .max_handoff = 3);
SCENARIO(ww_mid_unlock, "wound-wait: members are given back and taken again", WW, SIZE(3, 2),
	 .kinds = KINDS_SETS | KIND_CTX, .flags = WORLD_MID_UNLOCK);
SCENARIO(wd_mid_unlock, "wait-die: members are given back and taken again", WD, SIZE(3, 2),
	 .kinds = KINDS_SETS | KIND_CTX, .flags = WORLD_MID_UNLOCK);
SCENARIO(retry_limit, "sets that give up after one retry", WW, SIZE(3, 2), .kinds = KINDS_SETS,
	 .retry_limit = 1);
SCENARIO(wd_retry_limit, "wait-die: sets that give up after two retries", WD, SIZE(3, 3),
	 .kinds = KINDS_SETS | KIND_PLAIN, .retry_limit = 2);
SCENARIO(retry_limit_inject, "sets that give up after one retry, and injected back-offs", WW,
	 SIZE(3, 3), .kinds = KINDS_SETS, .flags = WORLD_INJECT, .retry_limit = 1);
SCENARIO(ww_trylock, "wound-wait: trylock beside lock", WW, SIZE(3, 2), .kinds = KINDS_ALL,
	 .flags = WORLD_TRY);
SCENARIO(wd_trylock, "wait-die: trylock beside lock", WD, SIZE(3, 2), .kinds = KINDS_ALL,
	 .flags = WORLD_TRY);

const struct ex_scenario *const ex_wait_scenarios[] = {
    &ww_interrupt,
    &wd_interrupt,
    &ww_deadline,
    &wd_deadline,
    &ww_disturbed,
    &wd_disturbed,
    &ww_signals,
    &wd_signals,
    &ww_inject,
    &wd_inject,
    &stuck,
    &wd_stuck,
    &handoff_interrupt,
    &handoff_interrupt_ctx,
    &plain_fair,
    &ww_mid_unlock,
    &wd_mid_unlock,
    &retry_limit,
    &wd_retry_limit,
    &retry_limit_inject,
    &ww_trylock,
    &wd_trylock,
    NULL,
};
