/* SPDX-License-Identifier: MIT */
/*
 * Explicit synchronisation between a consumer and a producer: the consumer waits for a point of a
 * timeline before anybody has submitted it, then polls the work's fence as a file descriptor.  On
 * the way it sees every answer that such a wait can give.
 */
#include <wwresv/wwresv.h>

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

#define POINT 2 /* of the consumer; the producer submits it */

/* Stop with a message unless a call gave what it should. */
static void expect(int result, int expected, const char *what)
{
	printf("%-58s %s\n", what, result < 0 ? strerror(-result) : "ok");
	if (result == expected)
		return;
	fprintf(stderr, "%s: %d instead of %d\n", what, result, expected);
	exit(EXIT_FAILURE);
}

static int64_t in_ms(int64_t num_ms)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec + num_ms * 1000000;
}

struct producer {
	struct wwr_syncobj *syncobj;
	struct wwr_sync_timeline *engine; /* what runs its work: here, a counter */
	pthread_barrier_t turn;
	int result;
};

/* Work that the engine does when its counter gets to 1, submitted as a point of the syncobj. */
static void *producer_run(void *arg)
{
	struct producer *producer = arg;
	struct wwr_fence *work;

	pthread_barrier_wait(&producer->turn);
	producer->result = wwr_sync_timeline_create_fence(producer->engine, 1, "work", &work);
	if (producer->result == 0) {
		producer->result = wwr_syncobj_add_point(producer->syncobj, POINT, work);
		wwr_fence_put(work);
	}
	/* Submitted, and not done: the consumer finds it pending. */
	pthread_barrier_wait(&producer->turn);
	wwr_sync_timeline_inc(producer->engine, 1);
	return NULL;
}

static int wait_point(struct wwr_syncobj *syncobj, uint64_t point, uint32_t flags,
		      struct wwr_interrupt_token *token, int64_t deadline_ns)
{
	return wwr_syncobj_wait(1, &syncobj, &point, flags, token, deadline_ns, 0, NULL);
}

static void *interrupt_run(void *arg)
{
	wwr_interrupt(arg);
	return NULL;
}

/* Nothing was submitted yet. */
static void wait_for_nothing(struct wwr_syncobj *syncobj)
{
	struct wwr_interrupt_token token = WWR_INTERRUPT_TOKEN_INIT;
	pthread_t thread;

	expect(wait_point(syncobj, POINT, 0, NULL, INT64_MAX), -EINVAL,
	       "wait for a point that is not there");
	expect(wait_point(syncobj, POINT, WWR_SYNCOBJ_WAIT_FOR_SUBMIT, NULL, 0), -ETIME,
	       "wait for it to be submitted: poll");
	expect(wait_point(syncobj, POINT, WWR_SYNCOBJ_WAIT_FOR_SUBMIT, NULL, in_ms(2)), -ETIME,
	       "the same: for 2 ms");
	expect(-pthread_create(&thread, NULL, interrupt_run, &token), 0,
	       "begin a thread that interrupts");
	expect(wait_point(syncobj, POINT, WWR_SYNCOBJ_WAIT_FOR_SUBMIT, &token, INT64_MAX), -EINTR,
	       "the same: for ever, but interrupted");
	pthread_join(thread, NULL);
}

static void wait_by_epoll(struct wwr_syncobj *syncobj, struct producer *producer)
{
	struct epoll_event event = {.events = EPOLLIN};
	struct wwr_sync_file_info info;
	int epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	int fd;

	expect(wwr_syncobj_export_sync_file(syncobj, POINT, &fd), 0, "make a sync_file of it");
	expect(epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fd, &event), 0, "watch that with epoll");
	expect(epoll_wait(epoll_fd, &event, 1, 0), 0, "epoll: not yet");
	pthread_barrier_wait(&producer->turn);
	expect(epoll_wait(epoll_fd, &event, 1, -1), 1, "epoll: signalled");
	expect(wwr_sync_file_get_info(fd, 0, NULL, &info), 0, "ask how it ended");
	expect(info.status, 1, "it is done");
	close(fd);
	close(epoll_fd);
}

int main(void)
{
	struct producer producer = {.result = 0};
	struct wwr_syncobj *syncobj;
	uint64_t point;
	pthread_t thread;

	expect(wwr_syncobj_create(0, &syncobj), 0, "make a syncobj");
	expect(wwr_sync_timeline_create("engine", &producer.engine), 0, "make an engine");
	producer.syncobj = syncobj;
	pthread_barrier_init(&producer.turn, NULL, 2);
	wait_for_nothing(syncobj);

	expect(-pthread_create(&thread, NULL, producer_run, &producer), 0, "begin the producer");
	pthread_barrier_wait(&producer.turn);
	expect(wait_point(syncobj, POINT, WWR_SYNCOBJ_WAIT_AVAILABLE, NULL, INT64_MAX), 0,
	       "wait for the producer to submit");
	expect(wait_point(syncobj, POINT, 0, NULL, in_ms(2)), -ETIME,
	       "wait for the work: for 2 ms");
	wait_by_epoll(syncobj, &producer);
	expect(wait_point(syncobj, POINT, 0, NULL, 0), 0, "wait for the work: done");
	pthread_join(thread, NULL);
	expect(producer.result, 0, "the producer's calls");
	expect(wwr_syncobj_query(1, &syncobj, 0, &point), 0, "ask how far the timeline is");
	expect((int)point, POINT, "it is at the point");

	pthread_barrier_destroy(&producer.turn);
	wwr_sync_timeline_destroy(producer.engine);
	wwr_syncobj_put(syncobj);
	return EXIT_SUCCESS;
}
