/* SPDX-License-Identifier: MIT */
/*
 * The lock protocol in steps of whole sections under a wait lock: small enough for exact bounds.
 * Outside such sections a participant only tries the owner word, or changes what is its own.
 */
#include "rules.pml"

/* The end of a step. */
inline invariants()
{
#ifdef INVARIANTS
	at_mutex = 0;
	do
	:: at_mutex < NL -> check_mutex(at_mutex); at_mutex++
	:: else -> break
	od;
#endif
	skip
}
hidden byte at_mutex;

#define BEGIN	0 /* about to take a stamp and to try its first mutex */
#define TRY	1 /* about to try mutex m */
#define QUEUE	2 /* tried in vain, about to queue */
#define SLEEP	3 /* queued */
#define RELEASE 4 /* about to let go of one more mutex, to back off or at the end */
#define END	5

/* A lock call returns 0. */
inline own(m, p)
{
	acquired(m, p);
	if
	:: mode[p] == PLAIN || held[p] == EVERYTHING -> committed = 1; at = RELEASE
	:: else -> choose_next(m, p); at = TRY
	fi
}

/* A lock call returns -EDEADLK. */
inline lose(m, p)
{
	count_loss(p);
	contended = m;
	at = RELEASE
}

/* The transaction is over. */
inline finish(p)
{
	forget(p);
	m = 0;
	kept = 0;
	start = 0;
	at = END
#ifdef LOOP
	;
	if
	:: LOOPS(p) -> new_stamp(p); at = BEGIN
	:: else
	fi
#endif
}

/* A lock call returns -EINTR. */
inline give_up(m, p)
{
	committed = 1;
	if
	:: held[p] == 0 -> committed = 0; finish(p)
	:: else -> at = RELEASE
	fi
}

/*
 * mutex_try_fast(), mutex_try() and mutex_spin(): a try in vain changes nothing, so one stands for
 * all of them.
 */
inline try(m, p)
{
	take_word(m, p, ret);
	if
	:: ret ->
		pass_over_first(m, p);
#ifndef BUG_NO_CHECK_ON_BARGE
		queue_check_new_owner(m, p);
#endif
		own(m, p)
	:: else ->
		if
		:: MAY_SLEEP(p) -> at = QUEUE
		:: else -> lose(m, p)
		fi
	fi;
	ret = 0
}

/* waiter_leave() */
inline leave(m, p)
{
	queue_remove(m, p);
	mark[m] = queued[m] > 0;
	sleeping[p] = 0
}

/* One round of waiter_run(): waiter_check(), then sleep or out of the queue. */
inline check(m, p, interrupted)
{
	woken[p] = 0;
	if
#ifdef BUG_GRANT_INTERRUPTED
	:: granted[p] && interrupted -> granted[p] = 0; sleeping[p] = 0; give_up(m, p)
	:: granted[p] && !interrupted -> granted[p] = 0; sleeping[p] = 0; own(m, p)
#else
	:: granted[p] -> granted[p] = 0; sleeping[p] = 0; own(m, p)
#endif
#ifdef BUG_INTERRUPT_FIRST
	:: !granted[p] && interrupted -> leave(m, p); give_up(m, p)
	:: !granted[p] && !interrupted ->
#else
	:: else ->
#endif
#ifdef BUG_GIVES_WAY_FIRST
		must_give_way(m, p, ret);
		if
		:: ret -> ret = 0
		:: else -> take_word(m, p, ret)
		fi;
#else
		take_word(m, p, ret);
#endif
		if
		:: ret ->
			pass_over_first(m, p);
			queue_remove(m, p);
#ifndef BUG_NO_CHECK_ON_RETRY
			queue_check_new_owner(m, p);
#endif
			sleeping[p] = 0;
			own(m, p)
		:: else ->
			must_give_way(m, p, ret);
#ifdef BUG_NO_CHECK_AT_QUEUEING
			ret = ret && at == SLEEP;
#endif
#ifdef BUG_NO_CHECK_AFTER_WAKE
			ret = ret && at == QUEUE;
#endif
			if
			:: interrupted -> leave(m, p); give_up(m, p)
			:: ret && !interrupted -> leave(m, p); lose(m, p)
			:: else -> at = SLEEP
			fi
		fi
	fi;
	ret = 0
}

/* waiter_enter() and the first round. */
inline queue_up(m, p)
{
	queue_insert(m, p);
	mark[m] = 1;
	sleeping[p] = held[p] != 0;
#ifdef WAIT_DIE
#ifndef BUG_NO_WAKE_AT_QUEUEING
	queue_wake_younger(m, p);
#endif
#else
	j = owner[m];
	if
	:: MAY_WOUND(p) && j != 0 && mode[j - 1] != PLAIN && OLDER(p, j - 1) ->
		wound(j - 1)
	:: else
	fi;
#endif
	check(m, p, false)
}

inline release_word(m, p)
{
	if
	:: !mark[m] -> owner[m] = 0
	:: else ->
		j = Q(m, 0);
		if
#ifndef BUG_NO_HAND_OFF
		:: passed_over[j] >= H ->
			hand_off(m, j);
			other = owner[m] - 1;
#ifndef BUG_NO_CHECK_ON_HAND_OFF
			queue_check_new_owner(m, other);
#endif
			granted[other] = 1;
			woken[other] = 1
#endif
		:: else ->
			owner[m] = 0;
#ifndef BUG_NO_WAKE_OF_FIRST
			woken[j] = 1
#endif
		fi
	fi
}

/* S4: the contended mutex first, with the old stamp and nothing held. */
inline back_off(p)
{
#ifndef BUG_NO_FALL_BACK
	fall_back(p);
#endif
#ifdef BUG_NEW_STAMP
	new_stamp(p);
#endif
#ifdef BUG_CONTENDED_NOT_FIRST
	contended = start;
#endif
	m = contended;
	kept = contended;
	contended = 0;
	at = TRY
}

inline release(m, p)
{
	held[p] = held[p] & ~(1 << m);
	release_word(m, p);
	if
	:: held[p] != 0
	:: else ->
#ifdef BUG_WOUND_KEPT
		wounded[p] = wounded[p] && !committed;
#else
		wounded[p] = 0; /* C10 */
#endif
		if
		:: !committed -> back_off(p)
		:: else ->
			committed = 0;
			m = (m + 1) % NL;
			if
			:: mode[p] == PLAIN && m != start -> at = TRY
			:: else ->
#ifdef LIVE_ALL
				num_done++;
#endif
#ifdef LIVE
				num_done = num_done + (p == LIVE && num_done == 0);
#endif
				finish(p)
			fi
		fi
	fi;
	skip
}

proctype participant(byte me)
{
	byte at, m;
	byte start;	/* where its order begins */
	byte kept;	/* what it took first in this attempt */
	byte contended;
	bit ret, committed;

	do
	:: atomic {
		at == BEGIN ->
		choose_kind(me);
#if ORDER == 0
		start = me % NL;
#elif ORDER == 3
		deal(start, me);
#else
		choose_start(start);
#endif
		kept = start;
		m = start;
		d_step { try(m, me); invariants() }
	   }
	:: d_step { at == TRY -> try(m, me); invariants() }
	:: d_step { at == QUEUE -> queue_up(m, me); invariants() }
#ifdef SPURIOUS
	:: d_step { at == SLEEP -> check(m, me, false); invariants() }
#else
	:: d_step { at == SLEEP && woken[me] -> check(m, me, false); invariants() }
#endif
#ifdef INTERRUPT
	:: atomic {
		at == SLEEP ->
		d_step { check(m, me, true); invariants() };
		if
		:: at == END -> goto over
		:: else
		fi
	   }
#endif
	:: atomic {
		at == RELEASE ->
		if
		:: mode[me] == USER -> choose_any(m, me)
		:: else -> d_step { choose_latest(m, me); skip }
		fi;
		d_step { release(m, me); invariants() };
		if
		:: at == END -> goto over
#if ORDER == 2
		:: at == TRY && mode[me] != PLAIN -> choose_start(start)
#endif
		:: else
		fi
	   }
	od;
over:
end:
	false
}

init {
	byte p;

	atomic {
		do
		:: p < NT ->
#if defined(LOOP) || defined(BUG_NEW_STAMP)
			rank[p] = p;
#endif
			run participant(p);
			p++
		:: else -> break
		od
	}
}

#ifdef LIVE_ALL
ltl live { <> (num_done == NT) }
#endif
#ifdef LIVE
ltl live { <> (num_done == 1) }
#endif
