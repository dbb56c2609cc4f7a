/* SPDX-License-Identifier: MIT */
/*
 * State and rules of the lock protocol, for lockset.pml and steps.pml, which say in what steps it
 * runs.  docs/locking.md has the rules that are named here (L1, Q2, ...), docs/verification.md what
 * is left out.  Each participant is one of
 *
 *	DEFAULT   a lock set of the default policy
 *	CLASSIC   a lock set of the classic policy
 *	USER      a program with a context of its own: as CLASSIC, but it unlocks in any order
 *	PLAIN     a locker without a context, which locks and unlocks one mutex after the other
 *
 * and wants all mutexes, in a rotated order.
 *
 * NT, NL     participants, mutexes
 * WAIT_DIE   the class is wait-die; else wound-wait
 * R, H       losses before the fall-back, pass-overs before the hand-off
 * KINDS      which kinds are allowed: four bits a participant, the first one's lowest; each
 *            participant chooses among its own when it begins a transaction
 * ORDER      where its order begins: 0 at a place of its own, 1 anywhere, chosen at the begin of
 *            the transaction, 2 anywhere, chosen anew for each attempt, 3 one of the places of
 *            0, dealt out as the transactions begin: any stamp may get any place
 * LOOP       participants from LOOP_FIRST to LOOP_LAST never end, each time with a new stamp
 * COUNT, B   count the restarts of each transaction, and the bound that they must keep
 * LIVE       under weak fairness participant LIVE commits at last; with LIVE_ALL, every one does
 * SPURIOUS   a sleeper may wake up for no reason
 * INTERRUPT  a sleep may be interrupted, which ends the transaction without a commit
 * INVARIANTS assert after each step what mutex_queue.c promises whenever the wait lock is free
 *
 * BUG_x drops one rule each, or one place where it is kept: the checks must notice.
 */
#ifndef R
#define R 1
#endif
#ifndef H
#define H 1
#endif
#ifndef ORDER
#define ORDER 0
#endif
#ifndef B
#define B 100
#endif
#ifdef LOOP
#ifndef LOOP_FIRST
#define LOOP_FIRST 0
#endif
#ifndef LOOP_LAST
#define LOOP_LAST (NT - 1)
#endif
#endif

#define DEFAULT 1
#define CLASSIC 2
#define PLAIN	4
#define USER	8

/* The mutexes; queue has NL queues of NT places. */
byte owner[NL]; /* 0 or participant + 1 */
bit mark[NL];
byte queue[NL * NT];
byte queued[NL];

/* The participants. */
byte mode[NT];
byte held[NT]; /* bit mask of what it thinks it holds; while it is queued, that it holds */
bit wounded[NT];
bit sleeping[NT]; /* its sleep word is published */
bit woken[NT];	  /* its park word has changed since park_begin() */
bit granted[NT];
byte passed_over[NT];
byte losses[NT];
#ifdef COUNT
byte restarts[NT];
#endif
#if defined(LIVE) || defined(LIVE_ALL)
byte num_done;
#endif
#if ORDER == 3
byte dealt; /* bit mask of places */
#endif

/* Stamps by rank; the oldest is 0. */
#if defined(LOOP) || defined(BUG_NEW_STAMP)
byte rank[NT];
#define RANK(p) rank[p]
#else
#define RANK(p) (p)
#endif

#define Q(m, k)	     queue[(m) * NT + (k)]
#define OLDER(a, b)  (RANK(a) < RANK(b))
#define HOLDS(p, m)  ((held[p] >> (m)) & 1)
#define LOOPS(p)     ((p) >= LOOP_FIRST && (p) <= LOOP_LAST)
#define ALLOWED(p)   ((KINDS >> (4 * (p))) & 15)
#define EVERYTHING   ((1 << NL) - 1)

/* D6: a default set kills nobody. */
#ifdef BUG_DEFAULT_KILLS
#define KILLS(p) (mode[p] != PLAIN)
#else
#define KILLS(p) (mode[p] == CLASSIC || mode[p] == USER)
#endif

/* C4: one that holds nothing never gives way. */
#ifdef BUG_FIRST_LOCK_DIES
#define MAY_GIVE_WAY(p) (mode[p] != PLAIN)
#else
#define MAY_GIVE_WAY(p) (held[p] != 0)
#endif

/* W5: one that holds nothing wounds nobody. */
#ifdef BUG_EMPTY_WOUNDS
#define MAY_WOUND(p) (mode[p] != PLAIN)
#else
#define MAY_WOUND(p) (held[p] != 0)
#endif

/* S1: a default set that holds does not sleep. */
#ifdef BUG_DEFAULT_SLEEPS
#define MAY_SLEEP(p) true
#else
#define MAY_SLEEP(p) (mode[p] != DEFAULT || held[p] == 0)
#endif

/* Not part of the state: used within single steps. */
hidden byte i, j, other;
hidden byte must_die;

/* The exact bounds: the largest counts of the whole search. */
c_code {
	static int max_losses, max_restarts;

	static void note(const char *what, int *max, int count)
	{
		if (count <= *max)
			return;
		*max = count;
		printf("max %s %d\n", what, count);
	}
};

/* Q1: contexts by stamp, before the first younger one; plain waiters at the tail. */
inline queue_insert(m, p)
{
	i = queued[m];
	if
#ifndef BUG_QUEUE_UNSORTED
	:: mode[p] != PLAIN ->
#else
	:: false ->
#endif
		i = 0;
		do
		:: i < queued[m] && (mode[Q(m, i)] == PLAIN || !OLDER(p, Q(m, i))) -> i++
		:: else -> break
		od
	:: else
	fi;
	j = queued[m];
	do
	:: j > i -> Q(m, j) = Q(m, j - 1); j--
	:: else -> break
	od;
	Q(m, i) = p;
#ifdef BUG_PASSED_OVER_LOST
	if
	:: i == 0 && queued[m] > 0 -> passed_over[Q(m, 1)] = 0
	:: else
	fi;
#endif
	queued[m]++
}

inline queue_remove(m, p)
{
	i = 0;
	do
	:: Q(m, i) != p -> i++
	:: else -> break
	od;
	queued[m]--;
	do
	:: i < queued[m] -> Q(m, i) = Q(m, i + 1); i++
	:: else -> break
	od;
	Q(m, i) = 0;
	passed_over[p] = 0
}

/* D4, D5: the younger ones that hold look again. */
inline queue_wake_younger(m, p)
{
	if
	:: KILLS(p) ->
		i = 0;
		do
		:: i < queued[m] ->
			if
			:: held[Q(m, i)] != 0 && OLDER(p, Q(m, i)) -> woken[Q(m, i)] = 1
			:: else
			fi;
			i++;
#ifdef BUG_FIRST_WAITER_ONLY
			break
#endif
		:: else -> break
		od
	:: else
	fi;
	skip
}

/* W3, D4: the new owner must close no cycle with those queued. */
inline queue_check_new_owner(m, p)
{
	if
	:: mode[p] != PLAIN ->
#ifdef WAIT_DIE
		queue_wake_younger(m, p)
#else
		i = 0;
		do
		:: i < queued[m] ->
			if
			:: MAY_WOUND(Q(m, i)) && OLDER(Q(m, i), p) -> wounded[p] = 1
			:: else
			fi;
			i++;
#ifdef BUG_FIRST_WAITER_ONLY
			break
#endif
		:: else -> break
		od
#endif
	:: else
	fi;
	skip
}

/* Q3; it is enough to count to H. */
inline pass_over_first(m, p)
{
	if
	:: queued[m] > 0 && Q(m, 0) != p && passed_over[Q(m, 0)] < H -> passed_over[Q(m, 0)]++
	:: else
	fi;
	skip
}

/* The exchange of mutex_take(); in ret whether the mutex is p's now. */
inline take_word(m, p, ret)
{
	if
	:: owner[m] == 0 ->
		owner[m] = p + 1;
		mark[m] = queued[m] > 1 || (queued[m] == 1 && Q(m, 0) != p);
		ret = 1
	:: else -> ret = 0
	fi;
	skip
}

/* waiter_must_give_way() */
inline must_give_way(m, p, ret)
{
	ret = 0;
	if
	:: MAY_GIVE_WAY(p) ->
#ifdef WAIT_DIE
#ifndef BUG_OWNER_KILLS_NOT
		if
		:: owner[m] != 0 -> j = owner[m] - 1; ret = KILLS(j) && OLDER(j, p)
		:: else
		fi;
#endif
#ifndef BUG_QUEUE_KILLS_NOT
		i = 0;
		do
		:: Q(m, i) != p -> ret = ret || KILLS(Q(m, i)); i++
		:: else -> break
		od
#endif
#else
		ret = wounded[p]
#endif
	:: else
	fi;
	skip
}

/* ctx_wound_and_wake(): I4 */
inline wound(p)
{
#ifndef BUG_NO_WOUND
	wounded[p] = 1;
#endif
#ifndef BUG_NO_WAKE_OF_WOUNDED
	if
	:: sleeping[p] -> woken[p] = 1
	:: else
	fi;
#endif
	skip
}

/* Q4: to the first waiter, but for the check of the new owner. */
inline hand_off(m, p)
{
	owner[m] = p + 1;
	queue_remove(m, p);
	mark[m] = queued[m] > 0
}

/* The participant believes that it has the mutex: then nobody else may. */
inline acquired(m, p)
{
	i = 0;
	do
	:: i < NT -> assert(!HOLDS(i, m)); i++
	:: else -> break
	od;
	assert(owner[m] == p + 1);
	held[p] = held[p] | (1 << m)
}

/* The first mutex in its order that the participant does not hold. */
inline choose_next(m, p)
{
	m = start;
	do
	:: HOLDS(p, m) -> m = (m + 1) % NL
	:: else -> break
	od;
	skip
}

/* A set unlocks the latest first: what back_off() kept goes last. */
inline choose_latest(m, p)
{
	m = (start + NL - 1) % NL;
	do
	:: !HOLDS(p, m) || (m == kept && held[p] != (1 << m)) -> m = (m + NL - 1) % NL
	:: else -> break
	od;
	skip
}

inline choose_any(m, p)
{
	m = 0;
	do
	:: HOLDS(p, m) -> break
	:: (held[p] >> (m + 1)) != 0 -> m++
	od;
	skip
}

/* -EDEADLK: a loss under the default policy, a restart under classic rules. */
inline count_loss(p)
{
	assert(held[p] != 0);
	if
	:: mode[p] == DEFAULT ->
		losses[p]++;
		c_code { note("losses", &max_losses, now.losses[Pparticipant->me]); };
		assert(losses[p] <= R)
	:: else ->
#ifdef COUNT
		restarts[p]++;
		c_code { note("restarts", &max_restarts, now.restarts[Pparticipant->me]); };
		assert(restarts[p] <= B);
#endif
#if !defined(LOOP) && !defined(BUG_NEW_STAMP)
		/* Nobody is older, so it is never wounded and never dies. */
		assert(p != 0)
#else
		skip
#endif
	fi
}

/* S2, S3: over to classic rules, with nothing held and nothing queued for. */
inline fall_back(p)
{
	if
	:: mode[p] == DEFAULT && losses[p] >= R -> mode[p] = CLASSIC; losses[p] = 0
	:: else
	fi;
	skip
}

/* All ranks are taken: those behind move up. */
inline new_stamp(p)
{
	i = 0;
	j = RANK(p);
	do
	:: i < NT ->
		if
		:: RANK(i) > j -> RANK(i) = RANK(i) - 1
		:: else
		fi;
		i++
	:: else -> break
	od;
	RANK(p) = NT - 1;
	skip
}

/* Nothing of an ended transaction must tell states apart. */
inline forget(p)
{
	mode[p] = 0;
	losses[p] = 0
#ifdef COUNT
	;
	restarts[p] = 0
#endif
}

inline choose_kind(p)
{
	if
	:: ALLOWED(p) & DEFAULT -> mode[p] = DEFAULT
	:: ALLOWED(p) & CLASSIC -> mode[p] = CLASSIC
	:: ALLOWED(p) & PLAIN -> mode[p] = PLAIN
	:: ALLOWED(p) & USER -> mode[p] = USER
	fi
}

#if ORDER == 3
/*
 * Place k begins with mutex k % NL; of two that begin alike the first is dealt first.  If each
 * beginning has as many places the mutexes can be renamed so that the oldest has the first place.
 */
#define IS_DEALT(k) ((dealt >> (k)) & 1)
#if NT % NL == 0
#define MAY_HAVE(k, p) (!IS_DEALT(k) && ((k) == 0) == ((p) == 0) && \
			((k) <= NL || IS_DEALT((k) - NL)))
#else
#define MAY_HAVE(k, p) (!IS_DEALT(k) && ((k) < NL || IS_DEALT((k) - NL)))
#endif

inline deal(start, p)
{
	if
	:: MAY_HAVE(0, p) -> start = 0
	:: MAY_HAVE(1, p) -> start = 1
#if NT > 2
	:: MAY_HAVE(2, p) -> start = 2
#endif
#if NT > 3
	:: MAY_HAVE(3, p) -> start = 3
#endif
	fi;
	dealt = dealt | (1 << start);
	start = start % NL
}
#endif

inline choose_start(start)
{
	start = 0;
	do
	:: start < NL - 1 -> start++
	:: break
	od;
	skip
}

/* What the comment at the head of mutex_queue.c says of mutex m. */
inline check_mutex(m)
{
	assert(mark[m] == (queued[m] > 0));
	i = 0;
	do
	:: i < queued[m] ->
		j = i + 1;
		do
		:: j < queued[m] ->
			assert(mode[Q(m, i)] == PLAIN || mode[Q(m, j)] == PLAIN || OLDER(Q(m, i), Q(m, j)));
			j++
		:: else -> break
		od;
		other = Q(m, i);
#ifdef WAIT_DIE
		must_die = 0;
		must_give_way(m, other, must_die);
		assert(!must_die || woken[other]);
		i = 0;
		do
		:: Q(m, i) != other -> i++
		:: else -> break
		od;
#else
		if
		:: owner[m] != 0 && mode[owner[m] - 1] != PLAIN && held[other] != 0 ->
			assert(!OLDER(other, owner[m] - 1) || wounded[owner[m] - 1])
		:: else
		fi;
#endif
		i++
	:: else -> break
	od;
	skip
}
