/* SPDX-License-Identifier: MIT */
/* Syncobjs by libdrm, sync_files and sw_sync by libsync.h. */
#include "tests/shim/client.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <sys/uio.h>
#include <unistd.h>
#include <xf86drm.h>

#include <linux/sync_file.h>
#include <libsync.h>

static int fd;

static int64_t seconds_from_now(int64_t seconds)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return ((int64_t)now.tv_sec + seconds) * 1000000000 + now.tv_nsec;
}

static void check_binary(void)
{
	uint32_t handle = 0, copy = 0, first = 99;
	int shared = -1;

	tap_ok(drmSyncobjCreate(fd, 0, &handle) == 0 && handle != 0, "a syncobj");
	tap_ok(drmSyncobjWait(fd, &handle, 1, 0, 0, NULL) == -EINVAL, "nothing was submitted");
	tap_ok(drmSyncobjWait(fd, &handle, 1, 0, DRM_SYNCOBJ_WAIT_FLAGS_WAIT_FOR_SUBMIT, NULL) ==
		   -ETIME,
	       "which may be waited for");
	tap_ok(drmSyncobjSignal(fd, &handle, 1) == 0, "signal");
	tap_ok(drmSyncobjWait(fd, &handle, 1, seconds_from_now(10), 0, &first) == 0 && first == 0,
	       "and wait");
	tap_ok(drmSyncobjHandleToFD(fd, handle, &shared) == 0 &&
		   drmSyncobjFDToHandle(fd, shared, &copy) == 0 && copy != handle,
	       "by a descriptor");
	tap_ok(drmSyncobjReset(fd, &handle, 1) == 0 &&
		   drmSyncobjWait(fd, &copy, 1, 0, 0, NULL) == -EINVAL,
	       "a reset is seen through both");
	close(shared);
	drmSyncobjDestroy(fd, copy);
	tap_ok(drmSyncobjDestroy(fd, handle) == 0 && drmSyncobjDestroy(fd, handle) != 0,
	       "it is destroyed once");
}

static void check_timeline(void)
{
	uint64_t point = 5, value = 0, late = 6;
	uint32_t handle, binary;

	drmSyncobjCreate(fd, 0, &handle);
	drmSyncobjCreate(fd, 0, &binary);
	tap_ok(drmSyncobjTimelineSignal(fd, &handle, &point, 1) == 0, "point 5 is signalled");
	tap_ok(drmSyncobjQuery(fd, &handle, &value, 1) == 0 && value == 5, "and %" PRIu64 " read",
	       value);
	tap_ok(drmSyncobjTimelineWait(fd, &handle, &late, 1, 0,
				      DRM_SYNCOBJ_WAIT_FLAGS_WAIT_FOR_SUBMIT, NULL) == -ETIME,
	       "6 is not there");
	tap_ok(drmSyncobjTransfer(fd, binary, 0, handle, 5, 0) == 0 &&
		   drmSyncobjWait(fd, &binary, 1, 0, 0, NULL) == 0,
	       "a transfer");
	drmSyncobjDestroy(fd, handle);
	drmSyncobjDestroy(fd, binary);
}

struct waiter {
	uint32_t handle;
	int ret;
};

static void *wait_for_submit(void *arg)
{
	struct waiter *waiter = arg;

	waiter->ret = drmSyncobjWait(fd, &waiter->handle, 1, seconds_from_now(20),
				     DRM_SYNCOBJ_WAIT_FLAGS_WAIT_FOR_SUBMIT, NULL);
	return NULL;
}

static void check_threads(void)
{
	struct waiter waiter = {.ret = 1};
	pthread_t thread;

	drmSyncobjCreate(fd, 0, &waiter.handle);
	pthread_create(&thread, NULL, wait_for_submit, &waiter);
	drmSyncobjSignal(fd, &waiter.handle, 1);
	pthread_join(thread, NULL);
	tap_ok(waiter.ret == 0, "a thread waits for what another one signals");
	drmSyncobjDestroy(fd, waiter.handle);
}

/* Newer than Debian's headers. */
struct syncobj_eventfd {
	uint32_t handle, flags;
	uint64_t point;
	int32_t fd;
	uint32_t pad;
};

#define SYNCOBJ_EVENTFD DRM_IOWR(0xCF, struct syncobj_eventfd)

/* Whatever a sync_file is underneath. */
static void check_no_bytes(void)
{
	int timeline = client_timeline_create();
	int one = client_timeline_fence(timeline, 1);
	struct syncobj_eventfd event = {.fd = one};
	uint64_t number = 1;
	struct iovec part = {&number, sizeof(number)};

	tap_ok(write(one, &number, sizeof(number)) < 0 && errno == EINVAL &&
		   writev(one, &part, 1) < 0 && errno == EINVAL,
	       "nobody writes to a sync_file");
	tap_ok(sync_wait(one, 0) < 0 && errno == ETIME, "so it stays pending");
	drmSyncobjCreate(fd, 0, &event.handle);
	tap_ok(drmIoctl(fd, SYNCOBJ_EVENTFD, &event) < 0 && errno == EINVAL,
	       "nor is it an eventfd");
	client_timeline_inc(timeline, 1);
	tap_ok(read(one, &number, sizeof(number)) < 0 && errno == EINVAL &&
		   readv(one, &part, 1) < 0 && errno == EINVAL && sync_wait(one, 0) == 0,
	       "nor read");
	drmSyncobjDestroy(fd, event.handle);
	close(one);
	close(timeline);
}

static void check_sync_files(void)
{
	int timeline = client_timeline_create();
	int one = client_timeline_fence(timeline, 1);
	int two = client_timeline_fence(timeline, 2);
	struct sync_fence_info fences[2];
	struct sync_file_info info = {.num_fences = 2, .sync_fence_info = (uintptr_t)fences};
	int both = sync_merge("both", one, two);
	uint32_t handle;
	int out = -1;

	tap_ok(timeline >= 0 && one >= 0 && two >= 0, "a timeline of sw_sync and two fences");
	tap_ok(both >= 0, "merged");
	tap_ok(ioctl(both, SYNC_IOC_FILE_INFO, &info) == 0 && strcmp(info.name, "both") == 0 &&
		   info.status == 0 && info.num_fences == 1,
	       "into the later one of the timeline");
	drmSyncobjCreate(fd, 0, &handle);
	tap_ok(drmSyncobjImportSyncFile(fd, handle, one) == 0, "a syncobj takes the first");
	tap_ok(drmSyncobjWait(fd, &handle, 1, 0, 0, NULL) == -ETIME, "pending");
	client_timeline_inc(timeline, 1);
	tap_ok(sync_wait(one, 10000) == 0 &&
		   drmSyncobjWait(fd, &handle, 1, seconds_from_now(10), 0, NULL) == 0,
	       "signalled");
	tap_ok(sync_wait(both, 0) < 0 && errno == ETIME, "the other one is not");
	tap_ok(drmSyncobjExportSyncFile(fd, handle, &out) == 0 && sync_wait(out, 0) == 0,
	       "and out of it again");
	close(timeline);
	info.num_fences = 0;
	tap_ok(sync_wait(two, 10000) == 0 && ioctl(two, SYNC_IOC_FILE_INFO, &info) == 0 &&
		   info.status == -ENOENT,
	       "the end of a timeline is the end of its fences");
	tap_ok(ioctl(one, DRM_IOCTL_GET_MAGIC, &info) < 0 && errno == ENOTTY, "it is no device");
	check_no_bytes();
	drmSyncobjDestroy(fd, handle);
	close(one);
	close(two);
	close(both);
	close(out);
}

static void ignore(int signal)
{
	(void)signal;
}

/* Until the alarm has come: then libdrm asks again, and the deadline ends it. */
static void check_interrupt(void)
{
	struct sigaction action = {.sa_handler = ignore};
	struct drm_syncobj_wait wait = {.count_handles = 1, .timeout_nsec = seconds_from_now(20)};
	struct itimerspec soon = {.it_value.tv_nsec = 20000000, .it_interval.tv_nsec = 20000000};
	struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1};
	int timeline = client_timeline_create();
	int fence = client_timeline_fence(timeline, 1);
	uint32_t handle;
	timer_t timer;
	int ret;

	drmSyncobjCreate(fd, 0, &handle);
	drmSyncobjImportSyncFile(fd, handle, fence);
	wait.handles = (uintptr_t)&handle;
	sigaction(SIGUSR1, &action, NULL);
	timer_create(CLOCK_MONOTONIC, &event, &timer);
	timer_settime(timer, 0, &soon, NULL);
	ret = ioctl(fd, DRM_IOCTL_SYNCOBJ_WAIT, &wait);
	tap_ok(ret < 0 && errno == EINTR, "a signal ends a sleep");
	timer_delete(timer);
	drmSyncobjDestroy(fd, handle);
	close(fence);
	close(timeline);
}

int main(void)
{
	tap_plan(28);
	fd = client_open("vgem", true);
	check_binary();
	check_timeline();
	check_threads();
	check_sync_files();
	check_interrupt();
	close(fd);
	return tap_exit();
}
