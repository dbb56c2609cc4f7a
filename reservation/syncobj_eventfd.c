/* SPDX-License-Identifier: MIT */
/*
 * Eventfds that are told of a point.  Invariant: one of these belongs to the syncobj's list, or to
 * the thread that took it from there, or to the fence's callback; whoever has it at the end frees
 * it.
 */
#include "reservation/syncobj.h"

#include <wwresv/alloc.h>
#include <wwresv/fence.h>
#include "reservation/sync_file.h"
#include "reservation/sync_file_carrier.h"
#include "reservation/syncobj_point.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

struct syncobj_eventfd {
	struct syncobj_watch watch;
	struct wwr_fence *fence; /* a reference, once the point was found */
	struct wwr_fence_cb cb;
	uint32_t flags;
	int fd; /* our own */
};

static void eventfd_free(struct syncobj_eventfd *own)
{
	wwr_fence_put(own->fence);
	close(own->fd);
	wwr_free(own);
}

static void eventfd_signal(struct syncobj_eventfd *own)
{
	struct pollfd pollfd = {.fd = own->fd, .events = POLLOUT};
	const uint64_t one = 1;

	/* A full one is readable as it is, and to write to it might block. */
	if (poll(&pollfd, 1, 0) == 1 && write(own->fd, &one, sizeof(one)) < 0)
		return;
}

static void eventfd_func(struct wwr_fence *fence, struct wwr_fence_cb *cb)
{
	struct syncobj_eventfd *own = WWR_CONTAINER_OF(cb, struct syncobj_eventfd, cb);

	(void)fence;
	eventfd_signal(own);
	eventfd_free(own);
}

void syncobj_eventfd_found(struct syncobj_watch *watch, struct wwr_fence *head)
{
	struct syncobj_eventfd *own = WWR_CONTAINER_OF(watch, struct syncobj_eventfd, watch);

	own->fence = syncobj_find_point(head, watch->point);
	if ((own->flags & WWR_SYNCOBJ_WAIT_AVAILABLE) == 0 &&
	    wwr_fence_add_callback(own->fence, &own->cb, eventfd_func) == 0)
		return;
	eventfd_signal(own);
	eventfd_free(own);
}

void syncobj_eventfd_cancel(struct syncobj_watch *watch)
{
	eventfd_free(WWR_CONTAINER_OF(watch, struct syncobj_eventfd, watch));
}

int wwr_syncobj_add_eventfd(struct wwr_syncobj *syncobj, uint64_t point, int event_fd,
			    uint32_t flags)
{
	struct syncobj_eventfd *own;
	struct carrier_info info;
	struct wwr_fence *head;
	int ret;

	if ((flags & ~WWR_SYNCOBJ_WAIT_AVAILABLE) != 0)
		return -EINVAL;
	ret = carrier_read(event_fd, &info);
	if (ret != 0)
		return ret;
	/* Underneath that is an eventfd, too, but only its fence writes to it. */
	if (sync_file_has_carrier(&info))
		return -EINVAL;
	own = wwr_alloc(sizeof(*own));
	if (own == NULL)
		return -ENOMEM;
	own->fd = fcntl(event_fd, F_DUPFD_CLOEXEC, 0);
	if (own->fd < 0) {
		ret = -errno;
		wwr_free(own);
		return ret;
	}
	own->flags = flags;
	own->watch.point = point;
	head = syncobj_get_or_watch(syncobj, point, &own->watch);
	if (head != NULL)
		syncobj_eventfd_found(&own->watch, head);
	return 0;
}
