/* SPDX-License-Identifier: MIT */
/* Setting a world up, what its parties have in common, and what must be true in the end. */
#include "tests/explore/world.h"

#include <wwresv/sys/debug.h>

#include "tests/explore/run.h"

#include <errno.h>
#include <string.h>

/* Deadlines lie within this many steps: about where the schedules of small worlds end. */
#define DEADLINE_STEPS 300

struct world world;
unsigned int ex_most_restarts;

static const char *const kind_labels[] = {"default", "classic", "ctx", "plain"};

unsigned int party_nth(const struct party *party, unsigned int i)
{
	return (party->first + i) % world.config->num_mutexes;
}

void party_enter(struct party *party, unsigned int mutex)
{
	struct world_mutex *object = world.mutexes[mutex];

	if ((party->inside & (1u << mutex)) != 0)
		return;
	EX_CHECK(object->holder == 0, "mutual exclusion: T%u and T%u both have mutex %c",
		 object->holder, party->index + 1, 'A' + mutex);
	object->holder = party->index + 1;
	party->inside |= 1u << mutex;
	party->passed[mutex] = 0;
	if (!world_has(WORLD_FAIR))
		return;
	for (unsigned int i = 0; i < world.num_parties; i++) {
		unsigned int *passed = &world.parties[i].passed[mutex];
		unsigned int most = world.num_parties * (ex_handoff_after + 1);

		if (ex_queue_has(&object->mutex, i) && ++*passed > most)
			ex_fail("T%u is starved: mutex %c was taken %u times while it was queued",
				i + 1, 'A' + mutex, *passed);
	}
}

void party_exit(struct party *party, unsigned int mutex)
{
	struct world_mutex *object = world.mutexes[mutex];

	EX_CHECK(object->holder == party->index + 1, "mutual exclusion: T%u took mutex %c from T%u",
		 object->holder, 'A' + mutex, party->index + 1);
	object->holder = 0;
	party->inside &= ~(1u << mutex);
}

void party_exit_all(struct party *party)
{
	for (unsigned int i = 0; i < world.config->num_mutexes; i++) {
		if ((party->inside & (1u << i)) != 0)
			party_exit(party, i);
	}
}

void party_work(struct party *party, unsigned int mutex)
{
	struct world_mutex *object = world.mutexes[mutex];
	unsigned int count = object->count;

	EX_CHECK(object->holder == party->index + 1, "T%u commits without mutex %c",
		 party->index + 1, 'A' + mutex);
	ex_point("works");
	object->count = count + 1;
	world.expected[mutex]++;
}

void party_unlocked(unsigned int mutex, bool last)
{
	struct world_mutex *object = world.mutexes[mutex];

	if (!world_has(WORLD_FREE_MUTEX) || !last)
		return;
	wwr_mutex_fini(&object->mutex);
	ex_delete(object);
	world.mutexes[mutex] = NULL;
}

void party_end(struct party *party, int result)
{
	if (result == 0) {
		party->committed++;
		return;
	}
	party->gave_up++;
	if (result == -EINTR)
		EX_CHECK(world_has(WORLD_TOKENS) || world_has(WORLD_SIGNALS) ||
			     world_has(WORLD_STUCK),
			 "T%u got -EINTR and nobody interrupts", party->index + 1);
	else if (result == -ETIME)
		EX_CHECK(party->deadline_ns != 0 && ex_now_ns() >= party->deadline_ns,
			 "T%u got -ETIME too early", party->index + 1);
	else
		EX_CHECK(result == -EAGAIN && world.config->retry_limit != 0,
			 "T%u: unexpected result %d", party->index + 1, result);
}

void party_check_losses(struct party *party, const struct wwr_lock_set_stats *stats)
{
	EX_CHECK(stats->losses <= ex_max_losses,
		 "S2: T%u lost %u times under the default policy, more than R = %u",
		 party->index + 1, stats->losses, ex_max_losses);
	EX_CHECK(stats->losses == party->losses, "S8: T%u lost %u times and its set counts %u",
		 party->index + 1, party->losses, stats->losses);
	party_check_restarts(party, stats->restarts);
}

void party_check_restarts(struct party *party, unsigned int restarts)
{
	unsigned int most = world.config->max_restarts;

	party->restarts = restarts;
	if (restarts > ex_most_restarts)
		ex_most_restarts = restarts;
	EX_CHECK(most == 0 || restarts <= most,
		 "T%u restarted %u times under classic rules, more than B = %u", party->index + 1,
		 restarts, most);
}

static void interrupter(void *arg)
{
	unsigned int num = 1 + ex_choose(world.num_parties);

	(void)arg;
	for (unsigned int i = 0; i < num; i++) {
		struct party *party = &world.parties[ex_choose(world.num_parties)];

		for (unsigned int pause = ex_choose(3) * 8; pause > 0; pause--)
			ex_point("pauses");
		if (party->token != NULL)
			wwr_interrupt(party->token);
	}
}

/* Each token once, sooner or later. */
static void interrupt_all(void *arg)
{
	unsigned int first = ex_choose(world.num_parties);

	(void)arg;
	for (unsigned int i = 0; i < world.num_parties; i++) {
		struct party *party = &world.parties[(first + i) % world.num_parties];

		for (unsigned int pause = ex_choose(3) * 8; pause > 0; pause--)
			ex_point("pauses");
		if (party->token != NULL)
			wwr_interrupt(party->token);
	}
}

static void signaller(void *arg)
{
	unsigned int num = 1 + ex_choose(4);

	(void)arg;
	for (unsigned int i = 0; i < num; i++) {
		for (unsigned int pause = ex_choose(4) * 8; pause > 0; pause--)
			ex_point("pauses");
		ex_signal(ex_choose(world.num_parties));
	}
}

static void debugger(void *arg)
{
	struct wwr_debug_wait waits[EX_MAX_FIBERS];
	struct wwr_class_stats stats;
	size_t num;

	(void)arg;
	for (unsigned int i = 0; i < 2; i++) {
		num = wwr_debug_get_waits(waits, EX_MAX_FIBERS);
		EX_CHECK(num <= world.num_parties, "%zu threads wait, but there are %u", num,
			 world.num_parties);
		for (size_t j = 0; j < num; j++)
			EX_CHECK(waits[j].holder_tid <= (int)world.num_parties,
				 "thread %d, which does not lock, holds a mutex",
				 waits[j].holder_tid);
		wwr_class_get_stats(&ex_class, &stats);
	}
}

static void party_main(void *arg)
{
	struct party *party = arg;

	switch (party->kind) {
	case PARTY_DEFAULT:
	case PARTY_CLASSIC:
		party_run_set(party);
		break;
	case PARTY_CTX:
		party_run_ctx(party);
		break;
	default:
		party_run_plain(party);
		break;
	}
}

static struct wwr_mutex *last_mutex(void)
{
	return &world.mutexes[world.config->num_mutexes - 1]->mutex;
}

static enum party_kind choose_kind(unsigned int kinds)
{
	unsigned int skip = ex_choose((unsigned int)__builtin_popcount(kinds));

	while (skip-- > 0)
		kinds &= kinds - 1;
	return (enum party_kind)__builtin_ctz(kinds);
}

static void setup_mutexes(void)
{
	const struct world_config *config = world.config;

	for (unsigned int i = 0; i < config->num_mutexes; i++) {
		struct world_mutex *object = ex_new(EX_MUTEX, i, sizeof(*object));

		wwr_mutex_init(&object->mutex, &ex_class);
		object->holder = 0;
		object->count = 0;
		object->refs = 0;
		world.mutexes[i] = object;
	}
}

static void new_token(struct party *party)
{
	party->token = ex_new(EX_TOKEN, party->index, sizeof(*party->token));
	wwr_interrupt_token_init(party->token);
}

static void setup_disturbance(struct party *party)
{
	if (world_has(WORLD_TOKENS) && ex_choose(4) != 0) {
		/* Some share one. */
		if (party->index > 0 && ex_choose(4) == 0)
			party->token = world.parties[party->index - 1].token;
		if (party->token == NULL)
			new_token(party);
	}
	if (world_has(WORLD_DEADLINES) && ex_choose(4) != 0)
		party->deadline_ns = EX_START_NS + 1 + ex_choose(DEADLINE_STEPS);
	/* At least one of both, so that each wait can end. */
	if (world_has(WORLD_STUCK)) {
		unsigned int which = 1 + ex_choose(3);

		if ((which & 1) != 0)
			new_token(party);
		if ((which & 2) != 0)
			party->deadline_ns = EX_START_NS + 1 + ex_choose(DEADLINE_STEPS);
	}
}

static void setup_party(unsigned int index)
{
	const struct world_config *config = world.config;
	struct party *party = &world.parties[index];

	*party = (struct party){.index = index, .kind = choose_kind(config->kinds)};
	party->first = index % config->num_mutexes;
	party->wanted = (1u << config->num_mutexes) - 1;
	if (world_has(WORLD_SOME))
		party->wanted = 1 + ex_choose(party->wanted);
	setup_disturbance(party);
	for (unsigned int i = 0; i < config->num_mutexes; i++)
		world.mutexes[i]->refs += (party->wanted >> i) & 1;
	(void)ex_spawn(kind_labels[party->kind], party_main, party);
}

static void setup_class(void)
{
	/* Stamps wrap around, in both ways of counting. */
	static const uint64_t stamps[] = {0, 0, UINT64_MAX - 1, INT64_MAX - 1};

	wwr_class_init(&ex_class, "explore", world.config->algorithm);
	ex_class.stamp = stamps[ex_choose(4)];
	if (world_has(WORLD_INJECT))
		wwr_class_set_injection(&ex_class, 1 + ex_choose(4), ex_choose(1000));
}

void world_setup(const struct ex_scenario *scenario)
{
	const struct world_config *config = scenario->config;

	memset(&world, 0, sizeof(world));
	world.config = config;
	world.num_parties = config->num_parties;
	ex_max_losses = config->max_losses != 0 ? config->max_losses : 2;
	ex_handoff_after = config->max_handoff != 0 ? ex_choose(config->max_handoff + 1) : 1;
	ex_spins = 1 + ex_choose(2);
	ex_set_loud(world_has(WORLD_DEBUGGER));
	setup_class();
	setup_mutexes();
	/* As no fiber, so it stays locked until the check. */
	if (world_has(WORLD_STUCK))
		EX_CHECK(wwr_mutex_trylock(last_mutex(), NULL) == 0, "a new mutex is locked");
	for (unsigned int i = 0; i < config->num_parties; i++)
		setup_party(i);
	if (world_has(WORLD_STUCK))
		(void)ex_spawn("ends", interrupt_all, NULL);
	if (world_has(WORLD_TOKENS))
		(void)ex_spawn("ends", interrupter, NULL);
	if (world_has(WORLD_SIGNALS))
		(void)ex_spawn("signals", signaller, NULL);
	if (world_has(WORLD_DEBUGGER))
		(void)ex_spawn("looks", debugger, NULL);
}

static void check_party(const struct party *party)
{
	unsigned int rounds = world.config->rounds != 0 ? world.config->rounds : 1;

	EX_CHECK(party->committed + party->gave_up == rounds || party->gave_up > 0,
		 "T%u committed %u of %u transactions", party->index + 1, party->committed, rounds);
	EX_CHECK(!world_has(WORLD_STUCK) || party->committed == 0,
		 "T%u commits without a mutex that is never let go", party->index + 1);
	if (!world_has(WORLD_OLDEST_FIRST))
		return;
	for (unsigned int i = 0; i < world.num_parties; i++) {
		if ((int64_t)(world.parties[i].stamp - party->stamp) < 0)
			return;
	}
	EX_CHECK(party->restarts == 0, "T%u is the oldest of all and restarted %u times",
		 party->index + 1, party->restarts);
}

static void check_mutex(unsigned int i)
{
	struct world_mutex *object = world.mutexes[i];
	char holder[64];

	if (object == NULL)
		return;
	ex_memory_name((void *)(object->mutex.owner & ~(uintptr_t)7), holder, sizeof(holder));
	EX_CHECK(object->mutex.owner == 0, "mutex %c is left behind, held by %s%s", 'A' + i,
		 object->mutex.owner > 7 ? holder : "nobody",
		 (object->mutex.owner & 1) != 0 ? " and with waiters" : "");
	EX_CHECK(object->mutex.wait_lock == 0, "the wait lock of mutex %c is left locked", 'A' + i);
	EX_CHECK(object->mutex.first == NULL && object->mutex.last == NULL,
		 "a waiter is left in the queue of mutex %c", 'A' + i);
	EX_CHECK(object->count == world.expected[i],
		 "mutex %c protected %u changes and %u are there", 'A' + i, world.expected[i],
		 object->count);
	ex_delete(object);
}

void world_check(const struct ex_scenario *scenario)
{
	(void)scenario;
	if (world_has(WORLD_STUCK))
		wwr_mutex_unlock(last_mutex());
	for (unsigned int i = 0; i < world.num_parties; i++) {
		struct party *party = &world.parties[i];

		check_party(party);
		if (party->token != NULL && (i == 0 || party->token != world.parties[i - 1].token))
			ex_delete(party->token);
	}
	for (unsigned int i = 0; i < world.config->num_mutexes; i++)
		check_mutex(i);
}
