/* SPDX-License-Identifier: MIT */
/*
 * poll() and select() with dma-bufs among the descriptors: a memfd is always ready, so a sync_file
 * of the fences that are there now takes its place, one for each direction.
 */
#include "drivers/shim/fds.h"
#include "drivers/shim/real.h"

#include <wwresv/alloc.h>
#include <wwresv/dma_buf.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define NS_PER_S  1000000000
#define NS_PER_MS 1000000
#define NS_PER_US 1000

/* Those that only programs with checks compiled in call; no header has them. */
SHIM_API int __poll_chk(struct pollfd *fds, nfds_t num, int timeout_ms, size_t room);
SHIM_API int __ppoll_chk(struct pollfd *fds, nfds_t num, const struct timespec *timeout,
			 const sigset_t *mask, size_t room);

static const short directions[] = {POLLIN, POLLOUT};

static bool is_stood_for(const struct pollfd *entry)
{
	return fd_kind(entry->fd) == FD_DMA_BUF && (entry->events & (POLLIN | POLLOUT)) != 0;
}

static nfds_t count_stood_for(const struct pollfd *fds, nfds_t num)
{
	nfds_t count = 0;

	if (!fd_is_any() || fds == NULL)
		return 0;
	for (nfds_t i = 0; i < num; i++)
		count += is_stood_for(&fds[i]) ? 1 : 0;
	return count;
}

/* The program's entries first, then two for each dma-buf; those that are not asked for are -1. */
static void stand_in(struct pollfd *ours, const struct pollfd *fds, nfds_t num)
{
	struct pollfd *next = ours + num;

	memcpy(ours, fds, num * sizeof(*fds));
	for (nfds_t i = 0; i < num; i++) {
		if (!is_stood_for(&fds[i]))
			continue;
		ours[i].fd = -1;
		for (unsigned int j = 0; j < 2; j++, next++) {
			next->events = POLLIN;
			if ((fds[i].events & directions[j]) == 0 ||
			    wwr_dma_buf_poll(fds[i].fd, directions[j], &next->fd) != 0)
				next->fd = -1;
		}
	}
}

/*
 * How many are ready.  A sync_file may have signalled after another fence had come, so the buffer
 * has the last word; *ret_again: it had.
 */
static int take_results(struct pollfd *ours, struct pollfd *fds, nfds_t num, bool *ret_again)
{
	struct pollfd *next = ours + num;
	int ready = 0;

	for (nfds_t i = 0; i < num; i++) {
		short events = ours[i].revents;

		for (unsigned int j = 0; is_stood_for(&fds[i]) && j < 2; j++, next++) {
			if (next->fd < 0)
				continue;
			if ((next->revents & POLLIN) != 0) {
				if (fd_buf_is_idle(fds[i].fd, directions[j]))
					events |= directions[j];
				else
					*ret_again = true;
			}
			close(next->fd);
		}
		fds[i].revents = events;
		ready += events != 0 ? 1 : 0;
	}
	return ready;
}

/* Whether there is time left, and how much. */
static bool time_left(const struct timespec *deadline, struct timespec *ret_left)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	ret_left->tv_sec = deadline->tv_sec - now.tv_sec;
	ret_left->tv_nsec = deadline->tv_nsec - now.tv_nsec;
	if (ret_left->tv_nsec < 0) {
		ret_left->tv_nsec += NS_PER_S;
		ret_left->tv_sec--;
	}
	return ret_left->tv_sec >= 0;
}

static void set_deadline(const struct timespec *timeout, struct timespec *ret_deadline)
{
	clock_gettime(CLOCK_MONOTONIC, ret_deadline);
	ret_deadline->tv_sec += timeout->tv_sec;
	ret_deadline->tv_nsec += timeout->tv_nsec;
	if (ret_deadline->tv_nsec >= NS_PER_S) {
		ret_deadline->tv_nsec -= NS_PER_S;
		ret_deadline->tv_sec++;
	}
}

/*
 * One round: what is ready now, or else a sleep until something may be.  *ret_again: nothing is,
 * since a dma-buf got a new fence meanwhile.
 */
static int poll_round(struct pollfd *fds, nfds_t num, nfds_t num_ours, const struct timespec *left,
		      const sigset_t *mask, bool *ret_again)
{
	static const struct timespec no_time;
	struct pollfd *ours = wwr_alloc_array(num_ours, sizeof(*ours));
	int error, ready, ret;

	*ret_again = false;
	if (ours == NULL) {
		errno = ENOMEM;
		return -1;
	}
	stand_in(ours, fds, num);
	ret = real()->ppoll(ours, num_ours, &no_time, NULL);
	if (ret == 0)
		ret = real()->ppoll(ours, num_ours, left, mask);
	error = errno;
	ready = take_results(ours, fds, num, ret_again);
	*ret_again &= ret > 0 && ready == 0;
	wwr_free(ours);
	errno = error;
	return ret < 0 ? ret : ready;
}

static int poll_with_dma_bufs(struct pollfd *fds, nfds_t num, nfds_t num_bufs,
			      const struct timespec *timeout, const sigset_t *mask)
{
	struct timespec deadline, left;
	bool again;
	int ret;

	if (timeout != NULL)
		set_deadline(timeout, &deadline);
	do {
		if (timeout != NULL && !time_left(&deadline, &left))
			left = (struct timespec){0};
		ret = poll_round(fds, num, num + 2 * num_bufs, timeout != NULL ? &left : NULL, mask,
				 &again);
	} while (again);
	return ret;
}

static int do_poll(struct pollfd *fds, nfds_t num, int timeout_ms)
{
	nfds_t num_bufs = count_stood_for(fds, num);
	struct timespec timeout = {
	    .tv_sec = timeout_ms / 1000,
	    .tv_nsec = (long)(timeout_ms % 1000) * NS_PER_MS,
	};

	if (num_bufs == 0)
		return real()->poll(fds, num, timeout_ms);
	return poll_with_dma_bufs(fds, num, num_bufs, timeout_ms < 0 ? NULL : &timeout, NULL);
}

static int do_ppoll(struct pollfd *fds, nfds_t num, const struct timespec *timeout,
		    const sigset_t *mask)
{
	nfds_t num_bufs = count_stood_for(fds, num);

	if (num_bufs == 0)
		return real()->ppoll(fds, num, timeout, mask);
	return poll_with_dma_bufs(fds, num, num_bufs, timeout, mask);
}

SHIM_API int poll(struct pollfd *fds, nfds_t num, int timeout_ms)
{
	return do_poll(fds, num, timeout_ms);
}

SHIM_API int ppoll(struct pollfd *fds, nfds_t num, const struct timespec *timeout,
		   const sigset_t *mask)
{
	return do_ppoll(fds, num, timeout, mask);
}

SHIM_API int __poll_chk(struct pollfd *fds, nfds_t num, int timeout_ms, size_t room)
{
	if (room / sizeof(*fds) < num)
		abort();
	return do_poll(fds, num, timeout_ms);
}

SHIM_API int __ppoll_chk(struct pollfd *fds, nfds_t num, const struct timespec *timeout,
			 const sigset_t *mask, size_t room)
{
	if (room / sizeof(*fds) < num)
		abort();
	return do_ppoll(fds, num, timeout, mask);
}

/* The sets of one select(). */
struct sets {
	int num;
	fd_set *in, *out, *bad;
};

static bool is_set(int fd, fd_set *set)
{
	return set != NULL && FD_ISSET(fd, set);
}

static bool sets_have_dma_buf(const struct sets *sets)
{
	if (!fd_is_any())
		return false;
	for (int fd = 0; fd < sets->num && fd < FD_SETSIZE; fd++) {
		if ((is_set(fd, sets->in) || is_set(fd, sets->out)) && fd_kind(fd) == FD_DMA_BUF)
			return true;
	}
	return false;
}

static nfds_t sets_to_poll(const struct sets *sets, struct pollfd *fds)
{
	nfds_t num = 0;

	for (int fd = 0; fd < sets->num && fd < FD_SETSIZE; fd++) {
		short events = 0;

		events |= is_set(fd, sets->in) ? POLLIN : 0;
		events |= is_set(fd, sets->out) ? POLLOUT : 0;
		events |= is_set(fd, sets->bad) ? POLLPRI : 0;
		if (events != 0)
			fds[num++] = (struct pollfd){.fd = fd, .events = events};
	}
	return num;
}

static int set_or_clear(int fd, fd_set *set, bool ready)
{
	if (!is_set(fd, set))
		return 0;
	if (!ready)
		FD_CLR(fd, set);
	return ready ? 1 : 0;
}

static int sets_from_poll(const struct sets *sets, const struct pollfd *fds, nfds_t num)
{
	int ready = 0;

	for (nfds_t i = 0; i < num; i++) {
		short events = fds[i].revents;

		if ((events & POLLNVAL) != 0) {
			errno = EBADF;
			return -1;
		}
		ready +=
		    set_or_clear(fds[i].fd, sets->in, (events & (POLLIN | POLLHUP | POLLERR)) != 0);
		ready += set_or_clear(fds[i].fd, sets->out, (events & (POLLOUT | POLLERR)) != 0);
		ready += set_or_clear(fds[i].fd, sets->bad, (events & POLLPRI) != 0);
	}
	return ready;
}

static int select_with_dma_bufs(const struct sets *sets, const struct timespec *timeout,
				const sigset_t *mask)
{
	struct pollfd *fds = wwr_alloc_array(FD_SETSIZE, sizeof(*fds));
	nfds_t num;
	int ret;

	if (fds == NULL) {
		errno = ENOMEM;
		return -1;
	}
	num = sets_to_poll(sets, fds);
	ret = do_ppoll(fds, num, timeout, mask);
	if (ret >= 0)
		ret = sets_from_poll(sets, fds, num);
	wwr_free(fds);
	return ret;
}

SHIM_API int select(int num, fd_set *in, fd_set *out, fd_set *bad, struct timeval *timeout)
{
	struct sets sets = {num, in, out, bad};
	struct timespec ts = {0};

	if (!sets_have_dma_buf(&sets))
		return real()->select(num, in, out, bad, timeout);
	if (timeout != NULL) {
		ts.tv_sec = timeout->tv_sec + timeout->tv_usec / (NS_PER_S / NS_PER_US);
		ts.tv_nsec = timeout->tv_usec % (NS_PER_S / NS_PER_US) * NS_PER_US;
	}
	return select_with_dma_bufs(&sets, timeout != NULL ? &ts : NULL, NULL);
}

SHIM_API int pselect(int num, fd_set *in, fd_set *out, fd_set *bad, const struct timespec *timeout,
		     const sigset_t *mask)
{
	struct sets sets = {num, in, out, bad};

	if (!sets_have_dma_buf(&sets))
		return real()->pselect(num, in, out, bad, timeout, mask);
	return select_with_dma_bufs(&sets, timeout, mask);
}
