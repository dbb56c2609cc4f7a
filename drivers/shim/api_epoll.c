/* SPDX-License-Identifier: MIT */
/*
 * epoll with dma-bufs: the kernel takes no memfd, so sync_files stand for it, one for each
 * direction, and are made anew at each wait from the fences that are there then.
 *
 * Invariant: what the kernel's epoll has of ours carries MAGIC and the id of a half of a watch.
 */
#include "drivers/shim/epoll.h"

#include <wwresv/alloc.h>
#include <wwresv/dma_buf.h>

#include "drivers/shim/fds.h"
#include "drivers/shim/real.h"

#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define MAGIC	   UINT64_C(0x7717e5a9b3000000)
#define MAGIC_MASK UINT64_C(0xffffffffff000000)
#define ID_MASK	   UINT64_C(0xffffff)

/* Fields: under lock. */
struct watch {
	struct watch *next;
	int epoll_fd, fd;
	uint32_t events; /* as the program gave them */
	epoll_data_t data;
	uint32_t id; /* even; with 1 added: of what stands for POLLOUT */
	int stand_ins[2];
	bool spent; /* told, and not to be told again before it is asked for again */
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct watch *watches; /* under lock */
static uint32_t last_id;      /* under lock */

static const short directions[] = {POLLIN, POLLOUT};

static struct watch **find_locked(int epoll_fd, int fd)
{
	struct watch **link = &watches;

	while (*link != NULL && ((*link)->epoll_fd != epoll_fd || (*link)->fd != fd))
		link = &(*link)->next;
	return link;
}

static void drop_stand_in(struct watch *watch, unsigned int half)
{
	int fd = watch->stand_ins[half];

	if (fd < 0)
		return;
	watch->stand_ins[half] = -1;
	(void)real()->epoll_ctl(watch->epoll_fd, EPOLL_CTL_DEL, fd, NULL);
	real()->close(fd);
}

static void watch_end(struct watch *watch)
{
	drop_stand_in(watch, 0);
	drop_stand_in(watch, 1);
	wwr_free(watch);
}

/* 0 or -errno */
static int watch_renew(struct watch *watch)
{
	int ret = 0;

	for (unsigned int half = 0; half < 2 && ret == 0; half++) {
		struct epoll_event event = {
		    .events = EPOLLIN | (watch->events & (EPOLLET | EPOLLONESHOT)),
		    .data.u64 = MAGIC | (watch->id + half),
		};
		int fd;

		drop_stand_in(watch, half);
		if ((watch->events & (uint32_t)directions[half]) == 0)
			continue;
		ret = wwr_dma_buf_poll(watch->fd, directions[half], &fd);
		if (ret != 0)
			break;
		if (real()->epoll_ctl(watch->epoll_fd, EPOLL_CTL_ADD, fd, &event) != 0) {
			ret = -errno;
			real()->close(fd);
			break;
		}
		watch->stand_ins[half] = fd;
	}
	watch->spent = false;
	return ret;
}

static int watch_add(int epoll_fd, int fd, const struct epoll_event *event)
{
	struct watch *watch;
	int ret;

	if (*find_locked(epoll_fd, fd) != NULL)
		return -EEXIST;
	watch = wwr_alloc(sizeof(*watch));
	if (watch == NULL)
		return -ENOMEM;
	watch->epoll_fd = epoll_fd;
	watch->fd = fd;
	watch->events = event->events;
	watch->data = event->data;
	last_id += 2;
	watch->id = last_id & ID_MASK;
	watch->stand_ins[0] = -1;
	watch->stand_ins[1] = -1;
	ret = watch_renew(watch);
	if (ret != 0) {
		watch_end(watch);
		return ret;
	}
	watch->next = watches;
	watches = watch;
	fd_set_kind(epoll_fd, FD_EPOLL);
	return 0;
}

static int watch_change(int epoll_fd, int op, int fd, const struct epoll_event *event)
{
	struct watch **link = find_locked(epoll_fd, fd);
	struct watch *watch = *link;

	if (watch == NULL)
		return -ENOENT;
	if (op == EPOLL_CTL_DEL) {
		*link = watch->next;
		watch_end(watch);
		return 0;
	}
	watch->events = event->events;
	watch->data = event->data;
	return watch_renew(watch);
}

SHIM_API int epoll_ctl(int epoll_fd, int op, int fd, struct epoll_event *event)
{
	int ret;

	if (fd_kind(fd) != FD_DMA_BUF || (event == NULL && op != EPOLL_CTL_DEL))
		return real()->epoll_ctl(epoll_fd, op, fd, event);
	pthread_mutex_lock(&lock);
	if (op == EPOLL_CTL_ADD)
		ret = watch_add(epoll_fd, fd, event);
	else
		ret = watch_change(epoll_fd, op, fd, event);
	pthread_mutex_unlock(&lock);
	if (ret == 0)
		return 0;
	errno = -ret;
	return -1;
}

void epoll_forget(int fd)
{
	struct watch **link = &watches;

	pthread_mutex_lock(&lock);
	while (*link != NULL) {
		struct watch *watch = *link;

		if (watch->epoll_fd != fd && watch->fd != fd) {
			link = &watch->next;
			continue;
		}
		*link = watch->next;
		watch_end(watch);
	}
	pthread_mutex_unlock(&lock);
}

void epoll_lock(void)
{
	pthread_mutex_lock(&lock);
}

void epoll_unlock(void)
{
	pthread_mutex_unlock(&lock);
}

/* Before a wait: what has been told once only, or by an edge, stays as it is. */
static void renew_all(int epoll_fd)
{
	pthread_mutex_lock(&lock);
	for (struct watch *watch = watches; watch != NULL; watch = watch->next) {
		if (watch->epoll_fd == epoll_fd && !watch->spent)
			(void)watch_renew(watch);
	}
	pthread_mutex_unlock(&lock);
}

static struct watch *find_id_locked(int epoll_fd, uint32_t id)
{
	struct watch *watch = watches;

	while (watch != NULL && (watch->epoll_fd != epoll_fd || watch->id != id))
		watch = watch->next;
	return watch;
}

/* One event of ours becomes the program's.  false: its watch is gone, or it is not ready. */
static bool translate_locked(int epoll_fd, struct epoll_event *event)
{
	uint32_t id = (uint32_t)(event->data.u64 & ID_MASK);
	struct watch *watch = find_id_locked(epoll_fd, id & ~1u);

	if (watch == NULL || !fd_buf_is_idle(watch->fd, directions[id & 1]))
		return false;
	event->events = (uint32_t)directions[id & 1];
	event->data = watch->data;
	watch->spent = (watch->events & (EPOLLET | EPOLLONESHOT)) != 0;
	/* The other direction has its own. */
	if ((watch->events & EPOLLONESHOT) != 0)
		drop_stand_in(watch, 1 - (id & 1));
	return true;
}

static int translate_all(int epoll_fd, struct epoll_event *events, int num)
{
	int kept = 0;

	pthread_mutex_lock(&lock);
	for (int i = 0; i < num; i++) {
		struct epoll_event event = events[i];

		if ((event.data.u64 & MAGIC_MASK) != MAGIC || translate_locked(epoll_fd, &event))
			events[kept++] = event;
	}
	pthread_mutex_unlock(&lock);
	return kept;
}

static int64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

SHIM_API int epoll_pwait(int epoll_fd, struct epoll_event *events, int num, int timeout_ms,
			 const sigset_t *mask)
{
	int64_t end_ms = timeout_ms > 0 ? now_ms() + timeout_ms : 0;
	int ret;

	if (fd_kind(epoll_fd) != FD_EPOLL)
		return real()->epoll_pwait(epoll_fd, events, num, timeout_ms, mask);
	for (;;) {
		renew_all(epoll_fd);
		ret = real()->epoll_pwait(epoll_fd, events, num, timeout_ms, mask);
		if (ret <= 0)
			return ret;
		ret = translate_all(epoll_fd, events, ret);
		if (ret != 0 || timeout_ms == 0)
			return ret;
		if (timeout_ms > 0) {
			int64_t left_ms = end_ms - now_ms();

			timeout_ms = left_ms > 0 ? (int)left_ms : 0;
		}
	}
}

SHIM_API int epoll_wait(int epoll_fd, struct epoll_event *events, int num, int timeout_ms)
{
	if (fd_kind(epoll_fd) != FD_EPOLL)
		return real()->epoll_wait(epoll_fd, events, num, timeout_ms);
	return epoll_pwait(epoll_fd, events, num, timeout_ms, NULL);
}

SHIM_API int epoll_pwait2(int epoll_fd, struct epoll_event *events, int num,
			  const struct timespec *timeout, const sigset_t *mask)
{
	int64_t timeout_ms = -1;

	if (real()->epoll_pwait2 == NULL) {
		errno = ENOSYS;
		return -1;
	}
	if (fd_kind(epoll_fd) != FD_EPOLL)
		return real()->epoll_pwait2(epoll_fd, events, num, timeout, mask);
	/* Rounded up: not before its time. */
	if (timeout != NULL)
		timeout_ms =
		    (int64_t)timeout->tv_sec * 1000 + (timeout->tv_nsec + 999999) / 1000000;
	return epoll_pwait(epoll_fd, events, num, timeout_ms < INT_MAX ? (int)timeout_ms : INT_MAX,
			   mask);
}
