/* SPDX-License-Identifier: MIT */
/*
 * Everybody wants all mutexes, each in another order, and nobody is disturbed: here the bounds hold
 * that tests/model finds for the same population, size and R.  The numbers in the names are parties
 * x mutexes.
 */
#include "tests/explore/world.h"
#include "tests/model/bounds.h"

#define SCENARIO(id, text, ...)                                                                    \
	static const struct world_config id##_config = {__VA_ARGS__};                              \
	static const struct ex_scenario id = {#id, text, world_setup, world_check, &id##_config}

#define WW		       .algorithm = WWR_WOUND_WAIT
#define WD		       .algorithm = WWR_WAIT_DIE
#define SIZE(parties, mutexes) .num_parties = parties, .num_mutexes = mutexes

/* Sets of both policies. */
SCENARIO(ww_2x2, "wound-wait: sets in opposite orders", WW, SIZE(2, 2), .kinds = KINDS_SETS,
	 .max_restarts = WW_SETS_2X2_R2);
SCENARIO(wd_2x2, "wait-die: sets in opposite orders", WD, SIZE(2, 2), .kinds = KINDS_SETS,
	 .max_restarts = WD_SETS_2X2_R2);
SCENARIO(ww_3x2, "wound-wait: three sets, two mutexes", WW, SIZE(3, 2), .kinds = KINDS_SETS,
	 .max_restarts = WW_SETS_3X2_R2);
SCENARIO(wd_3x2, "wait-die: three sets, two mutexes", WD, SIZE(3, 2), .kinds = KINDS_SETS,
	 .max_restarts = WD_SETS_3X2_R2);
SCENARIO(ww_3x3, "wound-wait: a cycle of three sets", WW, SIZE(3, 3), .kinds = KINDS_SETS,
	 .max_restarts = WW_SETS_3X3_R2);
SCENARIO(wd_3x3, "wait-die: a cycle of three sets", WD, SIZE(3, 3), .kinds = KINDS_SETS,
	 .max_restarts = WD_SETS_3X3_R2);
SCENARIO(ww_4x2, "wound-wait: four sets, two mutexes, R = 1", WW, SIZE(4, 2), .kinds = KINDS_SETS,
	 .max_losses = 1, .max_restarts = WW_SETS_4X2_R1);
SCENARIO(wd_4x2, "wait-die: four sets, two mutexes, R = 1", WD, SIZE(4, 2), .kinds = KINDS_SETS,
	 .max_losses = 1, .max_restarts = WD_SETS_4X2_R1);
SCENARIO(ww_4x4, "wound-wait: a cycle of four sets", WW, SIZE(4, 4), .kinds = KINDS_SETS);
SCENARIO(wd_4x4, "wait-die: a cycle of four sets", WD, SIZE(4, 4), .kinds = KINDS_SETS);

/* The textbook: contexts and classic sets only. */
SCENARIO(ww_classic_2x2, "wound-wait: classic rules only", WW, SIZE(2, 2),
	 .kinds = KIND_CLASSIC | KIND_CTX, .flags = WORLD_OLDEST_FIRST,
	 .max_restarts = WW_CONTEXTS_2X2);
SCENARIO(ww_classic_3x2, "wound-wait: classic rules only", WW, SIZE(3, 2),
	 .kinds = KIND_CLASSIC | KIND_CTX, .flags = WORLD_OLDEST_FIRST,
	 .max_restarts = WW_CONTEXTS_3X2);
SCENARIO(ww_classic_3x3, "wound-wait: classic rules only", WW, SIZE(3, 3),
	 .kinds = KIND_CLASSIC | KIND_CTX, .flags = WORLD_OLDEST_FIRST,
	 .max_restarts = WW_CONTEXTS_3X3);
SCENARIO(wd_classic_3x3, "wait-die: classic rules only", WD, SIZE(3, 3),
	 .kinds = KIND_CLASSIC | KIND_CTX, .max_restarts = WD_CONTEXTS_3X3);
SCENARIO(ww_ctx_4x3, "wound-wait: contexts only", WW, SIZE(4, 3), .kinds = KIND_CTX,
	 .flags = WORLD_OLDEST_FIRST, .max_restarts = WW_CONTEXTS_4X3);

/* The default policy alone: nobody ever sleeps with a lock until he has lost R times. */
SCENARIO(ww_default_3x3, "wound-wait: the default policy only, R = 1", WW, SIZE(3, 3),
	 .kinds = KIND_DEFAULT, .max_losses = 1, .max_restarts = WW_DEFAULT_3X3_R1);
SCENARIO(wd_default_3x2, "wait-die: the default policy only, R = 1", WD, SIZE(3, 2),
	 .kinds = KIND_DEFAULT, .max_losses = 1, .max_restarts = WD_DEFAULT_3X2_R1);

/* Everybody together. */
SCENARIO(ww_mixed_3x2, "wound-wait: sets, contexts and plain lockers", WW, SIZE(3, 2),
	 .kinds = KINDS_ALL, .max_restarts = WW_EVERYBODY_3X2_R2);
SCENARIO(wd_mixed_3x2, "wait-die: sets, contexts and plain lockers", WD, SIZE(3, 2),
	 .kinds = KINDS_ALL, .max_restarts = WD_EVERYBODY_3X2_R2);
SCENARIO(ww_mixed_3x3, "wound-wait: sets, contexts and plain lockers", WW, SIZE(3, 3),
	 .kinds = KINDS_ALL, .max_restarts = WW_EVERYBODY_3X3_R2);
SCENARIO(wd_mixed_3x3, "wait-die: sets, contexts and plain lockers", WD, SIZE(3, 3),
	 .kinds = KINDS_ALL, .max_restarts = WD_EVERYBODY_3X3_R2);
SCENARIO(ww_mixed_5x2, "wound-wait: five of all kinds", WW, SIZE(5, 2), .kinds = KINDS_ALL);
SCENARIO(wd_mixed_5x2, "wait-die: five of all kinds", WD, SIZE(5, 2), .kinds = KINDS_ALL);
SCENARIO(ww_rounds, "wound-wait: two transactions each", WW, SIZE(3, 2), .kinds = KINDS_ALL,
	 .rounds = 2);
SCENARIO(wd_rounds, "wait-die: two transactions each", WD, SIZE(3, 2), .kinds = KINDS_ALL,
	 .rounds = 2);
SCENARIO(ww_any_order, "wound-wait: other mutexes and another order in each attempt", WW,
	 SIZE(3, 3), .kinds = KINDS_SETS, .flags = WORLD_ANY_ORDER | WORLD_SOME);
SCENARIO(wd_any_order, "wait-die: other mutexes and another order in each attempt", WD, SIZE(3, 3),
	 .kinds = KINDS_SETS, .flags = WORLD_ANY_ORDER | WORLD_SOME);

const struct ex_scenario *const ex_set_scenarios[] = {
    &ww_2x2,	     &wd_2x2,	      &ww_3x2,	       &wd_3x2,
    &ww_3x3,	     &wd_3x3,	      &ww_4x2,	       &wd_4x2,
    &ww_4x4,	     &wd_4x4,	      &ww_classic_2x2, &ww_classic_3x2,
    &ww_classic_3x3, &wd_classic_3x3, &ww_ctx_4x3,     &ww_default_3x3,
    &wd_default_3x2, &ww_mixed_3x2,   &wd_mixed_3x2,   &ww_mixed_3x3,
    &wd_mixed_3x3,   &ww_mixed_5x2,   &wd_mixed_5x2,   &ww_rounds,
    &wd_rounds,	     &ww_any_order,   &wd_any_order,   NULL,
};
