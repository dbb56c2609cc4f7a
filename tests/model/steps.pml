/* SPDX-License-Identifier: MIT */
/*
 * The lock protocol in steps of single atomic accesses, with real wait locks: that a section under
 * one is as good as one step, and that nobody looks at a context that may be gone.  For few
 * participants.  Memory is sequentially consistent here; tests/weak has the weaker orders.
 */
#include "rules.pml"

bit wait_lock[NL];
bit gone[NT]; /* its transaction is over, its context may be anything */

#define WAIT_LOCK(m)   atomic { wait_lock[m] == 0; wait_lock[m] = 1 }
/* L4 */
#define WAIT_UNLOCK(m) d_step { assert(mark[m] == (queued[m] > 0)); wait_lock[m] = 0 }

/* L6: looking at the context that owns a mutex. */
#define LOOK_AT_OWNER(m) assert(owner[m] == 0 || mode[owner[m] - 1] == PLAIN || !gone[owner[m] - 1])

/* A compare-and-exchange of the owner word from free and unmarked. */
inline take_fast(m, p, ret)
{
	atomic {
#ifdef BUG_FAST_TAKES_MARKED
		ret = owner[m] == 0;
#else
		ret = owner[m] == 0 && !mark[m];
#endif
		if
		:: ret -> owner[m] = p + 1
#ifdef BUG_FAST_TAKES_MARKED
			; mark[m] = 0
#endif
		:: else
		fi;
		skip
	}
}

/* ... and from held and unmarked to free. */
inline release_fast(m, p, ret)
{
	atomic {
#ifdef BUG_FAST_RELEASE_OF_MARKED
		ret = 1;
#else
		ret = !mark[m];
#endif
		assert(owner[m] == p + 1);
		if
		:: ret -> owner[m] = 0; mark[m] = 0
		:: else
		fi;
		skip
	}
}

inline publish_sleep(p)
{
	sleeping[p] = held[p] != 0
}

proctype participant(byte me)
{
	byte m;
	byte start;	/* where its order begins */
	byte kept;	/* what it took first in this attempt */
	byte contended;
	byte it;	/* somebody else */
	bit ret, committed, dies;

	atomic {
		choose_kind(me);
#if ORDER == 3
		deal(start, me);
#else
		start = me % NL;
#endif
		kept = start;
		m = start
	}

try: /* mutex_try_fast() */
	take_fast(m, me, ret);
	if
	:: ret -> goto own
	:: else
	fi;
	/* mutex_try(); more turns of mutex_spin() change nothing. */
	if
	:: d_step { owner[m] == 0 && !mark[m] -> ret = 0 }; goto try_again
	:: d_step { owner[m] == 0 && mark[m] -> ret = 0 }
	:: d_step { owner[m] != 0 -> ret = 0 }; goto contested
	fi;

	/* mutex_try_marked() */
	WAIT_LOCK(m);
	d_step { take_word(m, me, ret) };
	if
	:: ret -> d_step { pass_over_first(m, me); queue_check_new_owner(m, me); skip }
	:: else
	fi;
	WAIT_UNLOCK(m);
	if
	:: ret -> goto own
	:: else -> goto contested
	fi;

try_again:
	take_fast(m, me, ret);
	if
	:: ret -> goto own
	:: else
	fi;

contested:
	if
	:: MAY_SLEEP(me)
	:: else -> goto lost
	fi;

	/* waiter_enter() */
	WAIT_LOCK(m);
	d_step { queue_insert(m, me); skip };
	d_step { mark[m] = 1; it = owner[m] };
#ifdef BUG_PUBLISHES_LATE
	dies = wounded[me];
#endif
	publish_sleep(me);
#ifdef WAIT_DIE
	d_step { queue_wake_younger(m, me); skip };
#else
	if
	:: MAY_WOUND(me) && it != 0 && mode[it - 1] != PLAIN && OLDER(me, it - 1) ->
		/* ctx_wound_and_wake(): I4, L6 */
		it--;
		assert(!gone[it]);
#ifdef BUG_LOOKS_BEFORE_IT_WOUNDS
		ret = sleeping[it];
		wounded[it] = 1;
#else
		wounded[it] = 1;
		ret = sleeping[it];
#endif
		assert(!gone[it]);
		if
		:: ret -> woken[it] = 1
		:: else
		fi
	:: else
	fi;
#endif
#ifdef BUG_READS_WORD_LATE
	goto first_check;
#endif

check: /* Q7: the word first, then what is waited for */
#ifndef BUG_READS_WORD_LATE
	woken[me] = 0;
#endif
first_check:
	if
	:: granted[me] ->
		d_step { granted[me] = 0; ret = 1 }
	:: else ->
		d_step { take_word(m, me, ret) };
		if
		:: ret ->
			d_step {
				pass_over_first(m, me);
				queue_remove(m, me);
				queue_check_new_owner(m, me);
				skip
			}
		:: else
		fi
	fi;
	if
	:: ret -> WAIT_UNLOCK(m); sleeping[me] = 0; goto own
	:: else
	fi;
#ifdef WAIT_DIE
	d_step { LOOK_AT_OWNER(m); must_give_way(m, me, ret) };
#else
#ifdef BUG_PUBLISHES_LATE
	d_step { ret = dies; dies = wounded[me] };
#else
	d_step { must_give_way(m, me, ret) };
#endif
#endif
	if
	:: ret ->
		/* waiter_leave() */
		d_step { queue_remove(m, me); skip };
#ifndef BUG_MARK_STAYS
		mark[m] = queued[m] > 0;
#endif
		WAIT_UNLOCK(m);
		sleeping[me] = 0; /* ctx_withdraw_sleep() */
		goto lost
	:: else
	fi;
#ifdef BUG_READS_WORD_LATE
	WAIT_UNLOCK(m);
	woken[me] = 0;
#else
	WAIT_UNLOCK(m);
#endif
	woken[me]; /* park_sleep() */
	WAIT_LOCK(m);
	goto check;

own:
	atomic { acquired(m, me); ret = 0; it = 0 };
	if
	:: mode[me] == PLAIN || held[me] == EVERYTHING -> committed = 1; goto release
	:: else -> d_step { choose_next(m, me); skip }; goto try
	fi;

lost:
	atomic { count_loss(me); contended = m; ret = 0; it = 0 };

release:
	if
	:: mode[me] == USER -> atomic { choose_any(m, me) }
	:: else -> d_step { choose_latest(m, me); skip }
	fi;
	held[me] = held[me] & ~(1 << m);
release_again:
	release_fast(m, me, ret);
	if
	:: ret -> goto released
	:: else
	fi;
	/* mutex_release_marked() */
	WAIT_LOCK(m);
	if
	:: queued[m] == 0 -> mark[m] = 0; WAIT_UNLOCK(m); goto release_again
	:: else
	fi;
	it = Q(m, 0);
	if
	:: passed_over[it] >= H ->
		d_step { hand_off(m, it) };
		d_step { queue_check_new_owner(m, it); skip };
		granted[it] = 1
	:: else -> owner[m] = 0
	fi;
	woken[it] = 1;
	WAIT_UNLOCK(m);

released:
	if
	:: held[me] != 0 -> goto release
	:: else
	fi;
	d_step { wounded[me] = 0; it = 0; ret = 0 }; /* C10 */
	if
	:: !committed ->
		d_step { fall_back(me); m = contended; kept = contended; contended = 0 };
		goto try
	:: else
	fi;
	d_step { committed = 0; m = (m + 1) % NL };
	if
	:: mode[me] == PLAIN && m != start -> goto try
	:: else
	fi;
	d_step {
		forget(me);
		gone[me] = 1;
		m = 0;
		kept = 0;
		start = 0
	};
end:
	false
}

init {
	byte p;

	atomic {
		do
		:: p < NT -> run participant(p); p++
		:: else -> break
		od
	}
}
