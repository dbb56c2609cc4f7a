/* SPDX-License-Identifier: MIT */
#ifndef TESTS_MODEL_BOUNDS_H
#define TESTS_MODEL_BOUNDS_H

/*
 * How often one transaction restarts under classic rules, at most.  The models meet each number
 * exactly: tests/model/run reads this file and fails if a search finds more, or less.  The explorer
 * asserts them.  A line must keep its form.
 *
 *	CLASS_POPULATION_PARTICIPANTSxMUTEXES[_R losses][_OPTION]
 *
 * CLASS       WW wound-wait, WD wait-die
 * POPULATION  who may take part, in every mixture: see MIXES in tests/model/rows.py
 * R           losses of a default set before it falls back; not where there are no such sets
 * LOOP        transactions never end: after each one the participant begins another
 * INTERRUPT   any sleep may end with -EINTR
 * FIXED       the k-th stamp gets the k-th place
 *
 * Everybody wants every mutex.  Place k begins with mutex k modulo their number and goes on in a
 * ring; which stamp gets which place is free, but with FIXED and LOOP.  H, how often a first waiter
 * is passed over, is 1.
 */

#define WW_SETS_2X2_R2	1
#define WD_SETS_2X2_R2	1
#define WW_CONTEXTS_2X2 1
#define WD_CONTEXTS_2X2 2

#define WW_SETS_3X2_R2		      2
#define WD_SETS_3X2_R2		      4
#define WD_DEFAULT_3X2_R1	      4
#define WW_CONTEXTS_3X2		      2
#define WD_CONTEXTS_3X2		      6
#define WW_EVERYBODY_3X2_R2	      2
#define WD_EVERYBODY_3X2_R2	      6
#define WW_EVERYBODY_3X2_R2_INTERRUPT 3
#define WD_EVERYBODY_3X2_R2_INTERRUPT 6
#define WW_SETS_3X2_R2_LOOP	      2
#define WD_SETS_3X2_R2_LOOP	      5
#define WW_EVERYBODY_3X2_R1_LOOP      2
#define WD_EVERYBODY_3X2_R1_LOOP      8
#define WW_CLASSIC_3X2		      2
#define WD_CLASSIC_3X2		      3

#define WW_SETS_3X3_R2		      4
#define WD_SETS_3X3_R2		      6
#define WW_DEFAULT_3X3_R1	      3
#define WW_CONTEXTS_3X3		      4
#define WD_CONTEXTS_3X3		      9
#define WW_EVERYBODY_3X3_R2	      5
#define WD_EVERYBODY_3X3_R2	      9
#define WW_EVERYBODY_3X3_R2_INTERRUPT 5
#define WD_EVERYBODY_3X3_R2_INTERRUPT 9

#define WW_SETS_4X2_R1	    5
#define WD_SETS_4X2_R1	    8
#define WW_EVERYBODY_4X2_R1 5
#define WD_EVERYBODY_4X2_R1 12

#define WW_CLASSIC_4X3		6
#define WD_CLASSIC_4X3		12
#define WW_CONTEXTS_4X3		8
#define WW_DEFAULT_4X3_R1_FIXED 8
#define WD_DEFAULT_4X3_R1_FIXED 12
#define WW_SETS_4X3_R1_FIXED	8
#define WD_SETS_4X3_R1_FIXED	12

#define WW_CLASSIC_4X4 10
#define WD_CLASSIC_4X4 13

#endif /* TESTS_MODEL_BOUNDS_H */
