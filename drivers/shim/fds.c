/* SPDX-License-Identifier: MIT */
#include "drivers/shim/fds.h"

#include <wwresv/alloc.h>
#include <wwresv/bo.h>
#include <wwresv/dma_buf.h>
#include <wwresv/fence.h>
#include <wwresv/resv.h>
#include <wwresv/sync_file.h>

#include "drivers/core/ioctl_fd.h"
#include "drivers/shim/real.h"
#include "lockset/wwr_atomic.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <unistd.h>

/* Higher numbers are looked at each time. */
#define MAX_KINDS FD_NUM_KINDS

/* The library's descriptors are up here, if they may, out of the way of the program's. */
#define FIRST_OWN_FD 512

/* So many files are asked in one system call whether they are closed. */
#define POLL_CHUNK 128

static uint8_t kinds[MAX_KINDS];     /* atomic, each: enum fd_kind */
static uint64_t file_ids[MAX_KINDS]; /* atomic, each: of the FD_FILE, or 0 */
static uint32_t is_any;		     /* atomic */

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct open_file *files; /* under lock */
static uint64_t last_id;	/* under lock */

bool fd_is_any(void)
{
	/* Relaxed: whoever has a descriptor has seen it made. */
	return wwr_atomic_load(&is_any, WWR_RELAXED) != 0;
}

enum fd_kind fd_kind(int fd)
{
	if (fd < 0 || !fd_is_any())
		return FD_PLAIN;
	if (fd >= MAX_KINDS)
		return fd_learn(fd);
	/* Relaxed: whoever has a descriptor has seen it made. */
	return (enum fd_kind)wwr_atomic_load(&kinds[fd], WWR_RELAXED);
}

bool fd_is_known_file(int fd)
{
	return fd >= 0 && fd < MAX_KINDS && fd_kind(fd) == FD_FILE;
}

void fd_set_kind(int fd, enum fd_kind kind)
{
	if (kind != FD_PLAIN)
		wwr_atomic_store(&is_any, 1, WWR_RELAXED);
	/* Relaxed, both: as above. */
	if (fd >= 0 && fd < MAX_KINDS)
		wwr_atomic_store(&kinds[fd], (uint8_t)kind, WWR_RELAXED);
}

void fd_copy_kind(int fd, int to)
{
	fd_set_kind(to, fd_kind(fd));
	/* Relaxed, both: as above. */
	if (fd >= 0 && fd < MAX_KINDS && to >= 0 && to < MAX_KINDS)
		wwr_atomic_store(&file_ids[to], wwr_atomic_load(&file_ids[fd], WWR_RELAXED),
				 WWR_RELAXED);
}

/* Under lock: the link to the file of this descriptor, or to NULL. */
static struct open_file **find_locked(const struct stat *status)
{
	struct open_file **link = &files;

	while (*link != NULL && ((*link)->ino != status->st_ino || (*link)->dev != status->st_dev))
		link = &(*link)->next;
	return link;
}

static void ref_get_locked(const struct open_file *file, struct open_ref *ret_ref)
{
	ret_ref->node = file->node;
	ret_ref->is_inherited = file->is_inherited;
	ret_ref->drm = file->drm != NULL ? core_file_get(file->drm) : NULL;
	ret_ref->sw_sync = file->sw_sync != NULL ? core_sw_sync_get(file->sw_sync) : NULL;
}

bool open_file_find_fast(int fd, struct open_ref *ret_ref)
{
	const struct open_file *file;
	uint64_t id;

	if (fd < 0 || fd >= MAX_KINDS || fd_kind(fd) != FD_FILE)
		return open_file_find(fd, ret_ref);
	/* Relaxed: whoever has a descriptor has seen it made. */
	id = wwr_atomic_load(&file_ids[fd], WWR_RELAXED);
	pthread_mutex_lock(&lock);
	file = files;
	while (file != NULL && file->id != id)
		file = file->next;
	if (file != NULL)
		ref_get_locked(file, ret_ref);
	pthread_mutex_unlock(&lock);
	return file != NULL || open_file_find(fd, ret_ref);
}

bool open_file_find(int fd, struct open_ref *ret_ref)
{
	struct open_file *file;
	struct stat status;

	if (fd < 0 || !fd_is_any() || real()->fstat(fd, &status) != 0 || !S_ISFIFO(status.st_mode))
		return false;
	pthread_mutex_lock(&lock);
	file = *find_locked(&status);
	if (file != NULL) {
		ref_get_locked(file, ret_ref);
		/* Relaxed: a hint, which the next call may use. */
		if (fd < MAX_KINDS)
			wwr_atomic_store(&file_ids[fd], file->id, WWR_RELAXED);
	}
	pthread_mutex_unlock(&lock);
	return file != NULL;
}

void open_ref_put(struct open_ref *ref)
{
	if (ref->drm != NULL)
		core_file_put(ref->drm);
	if (ref->sw_sync != NULL)
		core_sw_sync_put(ref->sw_sync);
}

bool fd_buf_is_idle(int fd, short direction)
{
	struct wwr_bo *bo;
	bool is_idle;

	if (wwr_dma_buf_get_bo(fd, &bo) != 0)
		return true;
	is_idle = wwr_resv_test_signaled(bo->resv, wwr_resv_usage_rw(direction == POLLOUT));
	wwr_bo_put(bo);
	return is_idle;
}

enum fd_kind fd_learn(int fd)
{
	enum fd_kind kind = FD_PLAIN;
	struct wwr_fence *fence;
	struct open_ref ref;
	struct wwr_bo *bo;

	if (!fd_is_any())
		return FD_PLAIN;
	if (open_file_find(fd, &ref)) {
		open_ref_put(&ref);
		kind = FD_FILE;
	} else if (wwr_dma_buf_get_bo(fd, &bo) == 0) {
		wwr_bo_put(bo);
		kind = FD_DMA_BUF;
	} else if (wwr_sync_file_get_fence(fd, &fence) == 0) {
		wwr_fence_put(fence);
		kind = FD_SYNC_FILE;
	}
	fd_set_kind(fd, kind);
	return kind;
}

/* Both ends of a new pipe: the client's has the lowest number. */
static int make_pipe(int flags, int *ret_fd, int *ret_own_fd)
{
	int ends[2];
	int high;

	if (pipe2(ends, O_CLOEXEC) != 0)
		return -errno;
	high = real()->fcntl(ends[1], F_DUPFD_CLOEXEC, FIRST_OWN_FD);
	if (high >= 0) {
		real()->close(ends[1]);
		ends[1] = high;
	}
	if ((flags & O_CLOEXEC) == 0)
		(void)real()->fcntl(ends[0], F_SETFD, 0);
	if ((flags & O_NONBLOCK) != 0)
		(void)real()->fcntl(ends[0], F_SETFL, O_NONBLOCK);
	*ret_fd = ends[0];
	*ret_own_fd = ends[1];
	return 0;
}

int open_file_add(struct front_node node, struct core_file *drm, struct core_sw_sync *sw_sync,
		  int flags)
{
	struct open_file *file;
	struct stat status;
	int fd = -1;
	int ret;

	open_files_collect();
	file = wwr_alloc(sizeof(*file));
	if (file == NULL)
		return -ENOMEM;
	ret = make_pipe(flags, &fd, &file->own_fd);
	if (ret != 0) {
		wwr_free(file);
		return ret;
	}
	(void)real()->fstat(fd, &status);
	file->dev = status.st_dev;
	file->ino = status.st_ino;
	file->pid = getpid();
	file->node = node;
	file->drm = drm;
	file->sw_sync = sw_sync;
	fd_set_kind(file->own_fd, FD_OWN);
	fd_set_kind(fd, FD_FILE);
	pthread_mutex_lock(&lock);
	file->id = ++last_id;
	file->next = files;
	files = file;
	pthread_mutex_unlock(&lock);
	/* Relaxed: whoever has a descriptor has seen it made. */
	if (fd < MAX_KINDS)
		wwr_atomic_store(&file_ids[fd], file->id, WWR_RELAXED);
	return fd;
}

/* Under lock: marks up to POLL_CHUNK files that are closed, and says where to go on. */
static struct open_file *mark_closed(struct open_file *file)
{
	struct open_file *asked[POLL_CHUNK];
	struct pollfd own[POLL_CHUNK];
	nfds_t num = 0;

	for (; file != NULL && num < POLL_CHUNK; file = file->next, num++) {
		asked[num] = file;
		own[num] = (struct pollfd){.fd = file->own_fd};
	}
	if (real()->poll(own, num, 0) <= 0)
		return file;
	for (nfds_t i = 0; i < num; i++)
		asked[i]->is_closed = (own[i].revents & POLLERR) != 0;
	return file;
}

/* Those that are closed leave; a list of them. */
static struct open_file *take_closed(void)
{
	struct open_file *closed = NULL;
	struct open_file **link = &files;

	pthread_mutex_lock(&lock);
	for (struct open_file *file = files; file != NULL;)
		file = mark_closed(file);
	while (*link != NULL) {
		struct open_file *file = *link;

		if (!file->is_closed) {
			link = &file->next;
			continue;
		}
		*link = file->next;
		file->next = closed;
		closed = file;
	}
	pthread_mutex_unlock(&lock);
	return closed;
}

void open_files_collect(void)
{
	struct open_file *closed = fd_is_any() ? take_closed() : NULL;

	/* Without the lock, since the end of a file runs its driver's code. */
	while (closed != NULL) {
		struct open_file *file = closed;
		struct open_ref ref = {.drm = file->drm, .sw_sync = file->sw_sync};

		closed = file->next;
		/* Its driver would wait for threads that are not here; it goes with the process. */
		if (!file->is_inherited)
			open_ref_put(&ref);
		fd_set_kind(file->own_fd, FD_PLAIN);
		real()->close(file->own_fd);
		wwr_free(file);
	}
}

void open_files_for_each(void (*fn)(const struct open_file *file, void *arg), void *arg)
{
	pthread_mutex_lock(&lock);
	for (const struct open_file *file = files; file != NULL; file = file->next)
		fn(file, arg);
	pthread_mutex_unlock(&lock);
}

void open_files_inherit(void)
{
	for (struct open_file *file = files; file != NULL; file = file->next)
		file->is_inherited = true;
}

void open_files_lock(void)
{
	pthread_mutex_lock(&lock);
}

void open_files_unlock(void)
{
	pthread_mutex_unlock(&lock);
}
