/* SPDX-License-Identifier: MIT */
/* Who waits for what, in words and for graphviz: mutexes, fences, and both. */
#include "tests/lib/test_criterion.h"
#include "tests/reservation/reservation_fixture.h"

#include "lockset/wwr_atomic.h"

#include <wwresv/fence_array.h>
#include <wwresv/fence_chain.h>
#include <wwresv/interrupt.h>
#include <wwresv/mutex.h>
#include <wwresv/sys/debug.h>

#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <unistd.h>

#define NUM_MUTEXES 2
#define MAX_NODES   16

static struct wwr_class classes[NUM_MUTEXES] = {
    WWR_CLASS_INIT("we\"ird\\\n", WWR_WOUND_WAIT),
    WWR_CLASS_INIT("other", WWR_WAIT_DIE),
};
static struct wwr_mutex mutexes[NUM_MUTEXES];
static char graph[65536];
static size_t graph_length;

static void keep(const char *text, size_t length, void *data)
{
	cr_assert_eq(data, graph);
	cr_assert_lt(graph_length + length, sizeof(graph));
	memcpy(graph + graph_length, text, length);
	graph_length += length;
	graph[graph_length] = '\0';
}

static int write_graph(enum wwr_debug_graph_format format)
{
	graph_length = 0;
	graph[0] = '\0';
	return wwr_debug_write_graph(format, keep, graph);
}

static void setup(void)
{
	wwr_debug_set_checks(WWR_DEBUG_FENCES);
	for (int i = 0; i < NUM_MUTEXES; i++)
		wwr_mutex_init(&mutexes[i], &classes[i]);
}

TestSuite(reservation_debug_graph, .init = setup, .timeout = 20);

/* A thread that takes a mutex, maybe, makes a fence, maybe, and then sleeps for one. */
struct party {
	pthread_t thread;
	struct wwr_fence *made; /* the main thread's */
	bool makes;
	struct wwr_mutex *holds;
	struct wwr_mutex *mutex; /* waits for this, or */
	struct wwr_fence *fence;
	struct wwr_interrupt_token token;
	int tid; /* (a) */
	int ret;
};

static pthread_barrier_t barrier;

static void *party_main(void *arg)
{
	struct party *party = arg;

	/* Relaxed: read after the barrier. */
	wwr_atomic_store(&party->tid, gettid(), WWR_RELAXED);
	if (party->holds != NULL)
		party->ret = wwr_mutex_lock(party->holds, NULL);
	if (party->makes)
		party->made = test_fence_create(5, 6);
	pthread_barrier_wait(&barrier);
	/* The main thread says what the fence is that is waited for. */
	pthread_barrier_wait(&barrier);
	if (party->mutex == NULL)
		party->ret = wwr_fence_wait_until(party->fence, &party->token, INT64_MAX);
	else if (wwr_mutex_lock_interruptible(party->mutex, NULL, &party->token) == 0)
		/* The other one was interrupted before. */
		wwr_mutex_unlock(party->mutex);
	if (party->holds != NULL)
		wwr_mutex_unlock(party->holds);
	return NULL;
}

/* Returns when they have done what comes before the sleep. */
static void parties_start(struct party *parties, unsigned int num)
{
	pthread_barrier_init(&barrier, NULL, num + 1);
	for (unsigned int i = 0; i < num; i++) {
		wwr_interrupt_token_init(&parties[i].token);
		cr_assert_eq(pthread_create(&parties[i].thread, NULL, party_main, &parties[i]), 0);
	}
	pthread_barrier_wait(&barrier);
}

static void parties_sleep(unsigned int num)
{
	unsigned int num_sleeps = test_futex_waits();

	/* The barrier is the C library's, whose calls are not counted. */
	pthread_barrier_wait(&barrier);
	test_until_futex_waits(num_sleeps + num);
}

static void parties_end(struct party *parties, unsigned int num)
{
	for (unsigned int i = 0; i < num; i++)
		wwr_interrupt(&parties[i].token);
	for (unsigned int i = 0; i < num; i++) {
		cr_assert_eq(pthread_join(parties[i].thread, NULL), 0);
		cr_expect_eq(parties[i].ret, parties[i].fence != NULL ? -EINTR : 0);
	}
}

static void expect_text(const char *text)
{
	cr_expect(strstr(graph, text) != NULL, "no \"%s\" in:\n%s", text, graph);
}

/* A cycle may be told from either of two threads on. */
static void expect_either_text(const char *text, const char *other)
{
	cr_expect(strstr(graph, text) != NULL || strstr(graph, other) != NULL,
		  "neither \"%s\" nor \"%s\" in:\n%s", text, other, graph);
}

static void expect_no_text(const char *text)
{
	cr_expect(strstr(graph, text) == NULL, "\"%s\" in:\n%s", text, graph);
}

Test(reservation_debug_graph, nobody_waits_is_empty)
{
	struct wwr_fence *fence = test_fence_create(1, 1);

	cr_expect_eq(write_graph(WWR_DEBUG_GRAPH_TEXT), 0);
	cr_expect_str_eq(graph, "");
	cr_expect_eq(write_graph(WWR_DEBUG_GRAPH_DOT), 0);
	cr_expect_str_eq(graph, "digraph wwresv {\n}\n");
	wwr_fence_put(fence);
}

Test(reservation_debug_graph, unknown_format_and_no_memory_write_nothing)
{
	cr_expect_eq(write_graph((enum wwr_debug_graph_format)7), -EINVAL);
	test_alloc_install();
	for (unsigned int nth = 1; nth <= 2; nth++) {
		test_alloc_fail(nth, false);
		cr_expect_eq(write_graph(WWR_DEBUG_GRAPH_TEXT), -ENOMEM);
	}
	test_alloc_fail(0, false);
	cr_expect_eq(write_graph(WWR_DEBUG_GRAPH_TEXT), 0);
	cr_expect_eq(test_alloc_alive(), 0);
}

Test(reservation_debug_graph, mutexes_of_two_classes_in_two_orders_are_a_deadlock)
{
	struct party parties[2] = {{.holds = &mutexes[0], .mutex = &mutexes[1]},
				   {.holds = &mutexes[1], .mutex = &mutexes[0]}};
	char text[512];
	char other[512];

	parties_start(parties, 2);
	parties_sleep(2);
	cr_expect_eq(write_graph(WWR_DEBUG_GRAPH_TEXT), 1);
	for (int i = 0; i < 2; i++) {
		snprintf(text, sizeof(text), "thread %d waits for mutex %p of class ",
			 parties[i].tid, (void *)parties[i].mutex);
		expect_text(text);
	}
	snprintf(text, sizeof(text), "mutex %p of class \"other\" is held by thread %d\n",
		 (void *)&mutexes[1], parties[1].tid);
	expect_text(text);
	expect_text("\ndeadlock: thread ");
	snprintf(text, sizeof(text),
		 "thread %d waits for mutex %p of class \"other\", which is held by thread %d",
		 parties[0].tid, (void *)&mutexes[1], parties[1].tid);
	snprintf(other, sizeof(other),
		 "held by thread %d, which waits for mutex %p of class \"other\"", parties[0].tid,
		 (void *)&mutexes[1]);
	expect_either_text(text, other);
	parties_end(parties, 2);
	cr_expect_eq(write_graph(WWR_DEBUG_GRAPH_TEXT), 0);
	cr_expect_str_eq(graph, "");
}

Test(reservation_debug_graph, waiting_without_a_cycle_is_no_deadlock)
{
	struct party parties[2] = {{.mutex = &mutexes[0]}, {.mutex = &mutexes[0]}};

	cr_assert_eq(wwr_mutex_lock(&mutexes[0], NULL), 0);
	parties_start(parties, 2);
	parties_sleep(2);
	cr_expect_eq(write_graph(WWR_DEBUG_GRAPH_TEXT), 0);
	expect_text(" waits for mutex ");
	expect_no_text("deadlock");
	parties_end(parties, 2);
	wwr_mutex_unlock(&mutexes[0]);
}

/* The array with the fence in it, at point 3 of a timeline; only the last reference is kept. */
static struct wwr_fence *wrap(struct wwr_fence *fence, struct wwr_fence *other)
{
	struct wwr_fence *members[2] = {fence, other};
	struct wwr_fence *array = NULL;
	struct wwr_fence *node = NULL;

	cr_assert_eq(wwr_fence_array_create(2, members, 77, 8, &array), 0);
	cr_assert_eq(wwr_fence_chain_link(wwr_fence_chain_create(), NULL, array, 3, &node), 0);
	wwr_fence_put(array);
	return node;
}

Test(reservation_debug_graph, fence_awaited_with_a_mutex_that_its_maker_wants_may_deadlock)
{
	struct party parties[2] = {{.makes = true, .mutex = &mutexes[1]}, {.holds = &mutexes[1]}};
	struct wwr_fence *other = test_fence_create(9, 1);
	struct wwr_fence *node;
	char text[512];

	parties_start(parties, 2);
	node = wrap(parties[0].made, other);
	parties[1].fence = node;
	parties_sleep(2);
	cr_expect_eq(write_graph(WWR_DEBUG_GRAPH_TEXT), 1);
	snprintf(text, sizeof(text), "thread %d waits for timeline %" PRIu64 ":3, for ",
		 parties[1].tid, node->context);
	expect_text(text);
	snprintf(text, sizeof(text), "timeline %" PRIu64 ":3 needs array 77:8\n", node->context);
	expect_text(text);
	snprintf(text, sizeof(text), "array 77:8 needs fence %p (test line 5:6 pending)\n",
		 (void *)parties[0].made);
	expect_text(text);
	snprintf(text, sizeof(text), "(test line 5:6 pending) was made by thread %d\n",
		 parties[0].tid);
	expect_text(text);
	snprintf(text, sizeof(text), "(test line 9:1 pending) was made by thread %d\n", gettid());
	expect_text(text);
	expect_text("\npossible deadlock: thread ");
	parties_end(parties, 2);
	cr_expect_eq(write_graph(WWR_DEBUG_GRAPH_TEXT), 0);
	cr_expect_str_eq(graph, "");
	cr_assert_eq(wwr_fence_signal(other), 0);
	cr_assert_eq(wwr_fence_signal(parties[0].made), 0);
	wwr_fence_put(node);
	wwr_fence_put(other);
	wwr_fence_put(parties[0].made);
	cr_expect_eq(test_fences_alive(), 0);
}

Test(reservation_debug_graph, fence_awaited_by_its_maker_is_no_cycle)
{
	struct party party = {.makes = true};

	parties_start(&party, 1);
	party.fence = party.made;
	parties_sleep(1);
	cr_expect_eq(write_graph(WWR_DEBUG_GRAPH_TEXT), 0);
	expect_text(" waits for fence ");
	expect_text(" was made by thread ");
	expect_no_text("deadlock");
	parties_end(&party, 1);
	wwr_fence_put(party.made);
}

/* Past a quoted string; NULL = it does not end. */
static const char *skip_quoted(const char *text)
{
	if (*text++ != '"')
		return NULL;
	while (*text != '"') {
		if (*text == '\\')
			text++;
		if (*text == '\0' || *text == '\n')
			return NULL;
		text++;
	}
	return text + 1;
}

/* One line between the braces: a node, an edge between nodes that are there, or a comment. */
static bool dot_line_is_right(const char *line, unsigned int *num_nodes, unsigned int *num_edges,
			      unsigned int *num_red)
{
	unsigned int from, to;
	int length = 0;

	if (strncmp(line, "\t// ", 4) == 0)
		return true;
	if (sscanf(line, "\tn%u -> n%u [label=%n", &from, &to, &length) == 2 && length > 0) {
		line = skip_quoted(line + length);
		*num_edges += 1;
		*num_red += line != NULL && strncmp(line, ", color=red", 11) == 0;
		return line != NULL && from < *num_nodes && to < *num_nodes &&
		       (strncmp(line, "];\n", 3) == 0 || strncmp(line, ", color=red];\n", 14) == 0);
	}
	if (sscanf(line, "\tn%u [label=%n", &from, &length) != 1 || from != *num_nodes)
		return false;
	*num_nodes += 1;
	line = skip_quoted(line + length);
	return line != NULL && (strncmp(line, ", shape=ellipse];\n", 18) == 0 ||
				strncmp(line, ", shape=box];\n", 14) == 0 ||
				strncmp(line, ", shape=hexagon];\n", 18) == 0);
}

static void expect_dot(unsigned int nodes, unsigned int edges, unsigned int red)
{
	static const char first[] = "digraph wwresv {\n";
	unsigned int num_nodes = 0, num_edges = 0, num_red = 0;
	const char *line = graph + strlen(first);

	cr_assert_eq(strncmp(graph, first, strlen(first)), 0);
	while (strcmp(line, "}\n") != 0) {
		cr_assert(dot_line_is_right(line, &num_nodes, &num_edges, &num_red), "%s", line);
		line = strchr(line, '\n');
		cr_assert_not_null(line);
		line++;
	}
	cr_expect_eq(num_nodes, nodes, "%s", graph);
	cr_expect_eq(num_edges, edges, "%s", graph);
	cr_expect_eq(num_red, red, "%s", graph);
}

Test(reservation_debug_graph, dot_has_nodes_and_edges_and_a_red_cycle)
{
	struct party parties[4] = {{.holds = &mutexes[0], .mutex = &mutexes[1]},
				   {.holds = &mutexes[1], .mutex = &mutexes[0]},
				   {.mutex = &mutexes[0]},
				   {.makes = true}};
	struct wwr_fence *other = test_fence_create(9, 1);

	parties_start(parties, 4);
	parties[3].fence = wrap(parties[3].made, other);
	parties_sleep(4);
	cr_expect_eq(write_graph(WWR_DEBUG_GRAPH_DOT), 1);
	/*
	 * Threads, with the main one, mutexes, a timeline, an array and two fences; the four
	 * of the cycle, the third thread's, the fourth thread's, three between fences, two makers.
	 */
	expect_dot(5 + 2 + 4, 4 + 1 + 1 + 3 + 2, 4);
	expect_text("of class \\\"we\\\"ird\\\\ \\\"\", shape=box];\n");
	expect_text("\t// deadlock: thread ");
	parties_end(parties, 4);
	cr_assert_eq(wwr_fence_signal(other), 0);
	cr_assert_eq(wwr_fence_signal(parties[3].made), 0);
	wwr_fence_put(parties[3].fence);
	wwr_fence_put(parties[3].made);
	wwr_fence_put(other);
}

/* More fences than there is room for in the graph: a node each, and one for the thread. */
#define NUM_MANY 2100

struct crowd {
	struct wwr_fence *fences[NUM_MANY];
	struct wwr_interrupt_token token;
	unsigned int first;
	int ret;
};

static void *crowd_main(void *arg)
{
	struct crowd *crowd = arg;

	crowd->ret =
	    wwr_fence_wait_any(NUM_MANY, crowd->fences, &crowd->token, INT64_MAX, &crowd->first);
	return NULL;
}

static void count_more(const char *text, size_t length, void *data)
{
	unsigned int *num_more = data;

	(void)length;
	*num_more += strcmp(text, "and more\n") == 0 || strcmp(text, "\t// and more\n") == 0;
}

Test(reservation_debug_graph, what_has_no_room_is_said_to_be_more)
{
	static struct crowd crowd;
	const unsigned int num_sleeps = test_futex_waits();
	unsigned int num_more = 0;
	pthread_t thread;

	for (int i = 0; i < NUM_MANY; i++)
		crowd.fences[i] = test_fence_create((uint64_t)i + 1, 1);
	wwr_interrupt_token_init(&crowd.token);
	cr_assert_eq(pthread_create(&thread, NULL, crowd_main, &crowd), 0);
	test_until_futex_waits(num_sleeps + 1);
	cr_expect_eq(wwr_debug_write_graph(WWR_DEBUG_GRAPH_TEXT, count_more, &num_more), 0);
	cr_expect_eq(num_more, 1);
	cr_expect_eq(wwr_debug_write_graph(WWR_DEBUG_GRAPH_DOT, count_more, &num_more), 0);
	cr_expect_eq(num_more, 2);
	wwr_interrupt(&crowd.token);
	cr_assert_eq(pthread_join(thread, NULL), 0);
	cr_expect_eq(crowd.ret, -EINTR);
	for (int i = 0; i < NUM_MANY; i++)
		wwr_fence_put(crowd.fences[i]);
}
