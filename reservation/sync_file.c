/* SPDX-License-Identifier: MIT */
/*
 * sync_files: from a fence to a descriptor and back.  Invariants: a file is in the registry from
 * before its descriptor is given to the caller until it is known to be closed everywhere; own_fd
 * is open exactly while the fence's callback has not run, so that until then no other eventfd has
 * its id; the epoll set remembers every eventfd in the registry that is open anywhere.  Fences are
 * put without the lock, since that may run a driver's code.
 */
#include <wwresv/sync_file.h>

#include <wwresv/alloc.h>
#include <wwresv/fence.h>
#include "lockset/park.h"
#include "reservation/sync_file.h"
#include "reservation/sync_file_carrier.h"
#include "reservation/sync_timeline.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <sys/epoll.h>
#include <unistd.h>

#define REGISTRY_BUCKETS 256

/* With fewer files than this nobody looks for closed ones. */
#define REGISTRY_MIN_COLLECT 64

/* Fields: (l) the registry's lock, (i) immutable once in the registry, (c) see cb's comment. */
struct sync_file {
	struct wwr_fence *fence; /* (i) a reference */
	struct wwr_fence_cb cb;	 /* the fence's; while it waits, the callback needs the file */
	uint64_t id;		 /* (i) of the eventfd */
	uint64_t mark;		 /* (i) its count once it has signalled */
	uint64_t turn;		 /* (l) registry.turn when it was added, or last seen open */
	int own_fd;		 /* (l) -1 = signalled */
	struct sync_file *next;	 /* (l) */
	char name[WWR_SYNC_NAME_BYTES]; /* (i) */
};

/* Fields: (l) under lock. */
static struct {
	uint32_t lock;		 /* a wait lock, lockset/park.h */
	int epoll_fd;		 /* (l) open while num_users > 0 */
	unsigned int num_users;	 /* (l) files, calls that make one, and calls that collect */
	unsigned int num_files;	 /* (l) */
	unsigned int collect_at; /* (l) so many files make it worth looking */
	uint64_t turn;		 /* (l) which collection is the latest */
	struct sync_file *buckets[REGISTRY_BUCKETS]; /* (l) */
} registry = {.collect_at = REGISTRY_MIN_COLLECT};

static struct sync_file **registry_bucket(uint64_t id)
{
	return &registry.buckets[id % REGISTRY_BUCKETS];
}

/* Somebody needs the epoll set. */
static int registry_enter(int *ret_epoll_fd)
{
	int ret = 0;

	wait_lock_ranked(&registry.lock, RANK_SYNC_FILES);
	if (registry.num_users == 0) {
		registry.epoll_fd = epoll_create1(EPOLL_CLOEXEC);
		if (registry.epoll_fd < 0)
			ret = -errno;
	}
	if (ret == 0) {
		registry.num_users++;
		*ret_epoll_fd = registry.epoll_fd;
	}
	wait_unlock(&registry.lock);
	return ret;
}

static void registry_leave_locked(void)
{
	if (--registry.num_users == 0)
		close(registry.epoll_fd);
}

static void registry_leave(void)
{
	wait_lock_ranked(&registry.lock, RANK_SYNC_FILES);
	registry_leave_locked();
	wait_unlock(&registry.lock);
}

/* Take a file out that is closed everywhere, and put it before a list. */
static struct sync_file *registry_take_locked(struct sync_file **link, struct sync_file *list)
{
	struct sync_file *file = *link;

	*link = file->next;
	file->next = list;
	registry.num_files--;
	registry_leave_locked();
	return file;
}

static struct sync_file **registry_find_locked(uint64_t id)
{
	struct sync_file **link = registry_bucket(id);

	while (*link != NULL && (*link)->id != id)
		link = &(*link)->next;
	return link;
}

static unsigned int free_files(struct sync_file *list)
{
	unsigned int num = 0;

	for (; list != NULL; num++) {
		struct sync_file *next = list->next;

		wwr_fence_put(list->fence);
		wwr_free(list);
		list = next;
	}
	return num;
}

/* The caller's use of the registry becomes the file's. */
static void registry_add(struct sync_file *file)
{
	struct sync_file *closed = NULL;
	struct sync_file **link;

	wait_lock_ranked(&registry.lock, RANK_SYNC_FILES);
	link = registry_find_locked(file->id);
	/* Its id is that of the new eventfd now: so it was closed. */
	if (*link != NULL)
		closed = registry_take_locked(link, NULL);
	file->turn = registry.turn;
	file->next = *registry_bucket(file->id);
	*registry_bucket(file->id) = file;
	registry.num_files++;
	wait_unlock(&registry.lock);
	(void)free_files(closed);
}

static void seen_open(uint64_t id, void *arg)
{
	struct sync_file *file;

	wait_lock_ranked(&registry.lock, RANK_SYNC_FILES);
	file = *registry_find_locked(id);
	if (file != NULL && file->turn < *(uint64_t *)arg)
		file->turn = *(uint64_t *)arg;
	wait_unlock(&registry.lock);
}

/* The files that were in the registry before the turn began, and were not seen in it. */
static struct sync_file *registry_take_closed_locked(uint64_t turn)
{
	struct sync_file *list = NULL;

	for (unsigned int i = 0; i < REGISTRY_BUCKETS; i++) {
		struct sync_file **link = &registry.buckets[i];

		while (*link != NULL) {
			if ((*link)->turn < turn && (*link)->own_fd < 0)
				list = registry_take_locked(link, list);
			else
				link = &(*link)->next;
		}
	}
	registry.collect_at = registry.num_files < REGISTRY_MIN_COLLECT / 2
				  ? REGISTRY_MIN_COLLECT
				  : registry.num_files * 2;
	return list;
}

unsigned int wwr_sync_file_collect(void)
{
	struct sync_file *closed = NULL;
	uint64_t turn;
	int epoll_fd;
	int ret;

	wait_lock_ranked(&registry.lock, RANK_SYNC_FILES);
	if (registry.num_users == 0) {
		wait_unlock(&registry.lock);
		return 0;
	}
	registry.num_users++;
	epoll_fd = registry.epoll_fd;
	turn = ++registry.turn;
	wait_unlock(&registry.lock);

	ret = carrier_for_each_watched(epoll_fd, seen_open, &turn);
	wait_lock_ranked(&registry.lock, RANK_SYNC_FILES);
	/* Without a descriptor to look with, nothing is known to be closed. */
	if (ret == 0)
		closed = registry_take_closed_locked(turn);
	registry_leave_locked();
	wait_unlock(&registry.lock);
	return free_files(closed);
}

/* It has signalled: nothing of the library's needs the eventfd any more. */
static void sync_file_signal(struct sync_file *file)
{
	int fd = file->own_fd;

	carrier_signal(fd, file->mark);
	wait_lock_ranked(&registry.lock, RANK_SYNC_FILES);
	/* From here on the file may be collected. */
	file->own_fd = -1;
	wait_unlock(&registry.lock);
	close(fd);
}

static void sync_file_func(struct wwr_fence *fence, struct wwr_fence_cb *cb)
{
	(void)fence;
	sync_file_signal(WWR_CONTAINER_OF(cb, struct sync_file, cb));
}

/* Two descriptors for a new eventfd that the epoll set knows: the caller's, and file->own_fd. */
static int sync_file_open(struct sync_file *file, int epoll_fd, int *ret_fd)
{
	int ret;
	int fd;

	ret = carrier_create(&fd, &file->id);
	if (ret != 0)
		return ret;
	file->own_fd = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	if (file->own_fd < 0) {
		ret = -errno;
		goto err_close_fd;
	}
	ret = carrier_watch(epoll_fd, file->own_fd, file->id);
	if (ret != 0)
		goto err_close_own_fd;
	*ret_fd = fd;
	return 0;

err_close_own_fd:
	close(file->own_fd);
err_close_fd:
	close(fd);
	return ret;
}

static void registry_collect_if_worth(void)
{
	bool worth;

	wait_lock_ranked(&registry.lock, RANK_SYNC_FILES);
	worth = registry.num_files >= registry.collect_at;
	wait_unlock(&registry.lock);
	if (worth)
		(void)wwr_sync_file_collect();
}

/* A file without a fence, with a use of the registry. */
static int sync_file_reserve(struct sync_file **ret_file, int *ret_fd)
{
	struct sync_file *file = wwr_alloc(sizeof(*file));
	int epoll_fd;
	int ret;

	if (file == NULL)
		return -ENOMEM;
	registry_collect_if_worth();
	ret = registry_enter(&epoll_fd);
	if (ret != 0)
		goto err_free_file;
	ret = sync_file_open(file, epoll_fd, ret_fd);
	if (ret != 0)
		goto err_leave;
	file->mark = carrier_new_mark();
	*ret_file = file;
	return 0;

err_leave:
	registry_leave();
err_free_file:
	wwr_free(file);
	return ret;
}

static void sync_file_install(struct sync_file *file, struct wwr_fence *fence, const char *name)
{
	file->fence = wwr_fence_get(fence);
	if (name != NULL)
		sync_name_copy(file->name, sizeof(file->name), name);

	registry_add(file); /* cannot fail; own_fd keeps it there until the callback */
	if (wwr_fence_add_callback(fence, &file->cb, sync_file_func) != 0)
		sync_file_signal(file);
}

int sync_file_create(struct wwr_fence *fence, const char *name, int *ret_fd)
{
	struct sync_file *file;
	int ret = sync_file_reserve(&file, ret_fd);

	if (ret == 0)
		sync_file_install(file, fence, name);
	return ret;
}

/* A slot is a file that is not in the registry; the public type has no members. */
int wwr_sync_file_reserve(struct wwr_sync_file_slot **ret_slot, int *ret_fd)
{
	struct sync_file *file;
	int ret = sync_file_reserve(&file, ret_fd);

	if (ret == 0)
		*ret_slot = (struct wwr_sync_file_slot *)file;
	return ret;
}

void wwr_sync_file_install(struct wwr_sync_file_slot *slot, struct wwr_fence *fence)
{
	sync_file_install((struct sync_file *)slot, fence, sync_timeline_fence_name(fence));
}

void wwr_sync_file_cancel(struct wwr_sync_file_slot *slot)
{
	struct sync_file *file = (struct sync_file *)slot;

	if (file == NULL)
		return;
	close(file->own_fd);
	registry_leave();
	wwr_free(file);
}

int wwr_sync_file_create(struct wwr_fence *fence, int *ret_fd)
{
	return sync_file_create(fence, sync_timeline_fence_name(fence), ret_fd);
}

/* -EAGAIN = it has signalled, and info does not say so; maybe info is older than that. */
static int registry_get(const struct carrier_info *info, struct wwr_fence **ret_fence,
			char *ret_name)
{
	struct sync_file *file;
	int ret = 0;

	wait_lock_ranked(&registry.lock, RANK_SYNC_FILES);
	file = *registry_find_locked(info->id);
	if (file == NULL)
		ret = -EINVAL;
	else if (file->own_fd < 0 && file->mark != info->mark)
		ret = -EAGAIN;
	if (ret == 0) {
		*ret_fence = wwr_fence_get(file->fence);
		sync_name_copy(ret_name, WWR_SYNC_NAME_BYTES, file->name);
	}
	wait_unlock(&registry.lock);
	return ret;
}

bool sync_file_has_carrier(const struct carrier_info *info)
{
	const struct sync_file *file;
	bool found;

	wait_lock_ranked(&registry.lock, RANK_SYNC_FILES);
	file = *registry_find_locked(info->id);
	/* Of one that has signalled and was closed the number may be another eventfd's by now. */
	found = file != NULL && (file->own_fd >= 0 || file->mark == info->mark);
	wait_unlock(&registry.lock);
	return found;
}

int sync_file_get(int fd, struct wwr_fence **ret_fence, char *ret_name)
{
	int ret = -EAGAIN;

	/* What the second turn reads is younger than the signal that the first one found. */
	for (int turn = 0; turn < 2 && ret == -EAGAIN; turn++) {
		struct carrier_info info;

		ret = carrier_read(fd, &info);
		if (ret == 0)
			ret = registry_get(&info, ret_fence, ret_name);
	}
	return ret == -EAGAIN ? -EINVAL : ret;
}

int wwr_sync_file_get_fence(int fd, struct wwr_fence **ret_fence)
{
	char name[WWR_SYNC_NAME_BYTES];

	return sync_file_get(fd, ret_fence, name);
}

int wwr_sync_file_set_deadline(int fd, int64_t deadline_ns)
{
	struct wwr_fence *fence;
	int ret = wwr_sync_file_get_fence(fd, &fence);

	if (ret != 0)
		return ret;
	wwr_fence_set_deadline(fence, deadline_ns);
	wwr_fence_put(fence);
	return 0;
}
