/* SPDX-License-Identifier: MIT */
/* Jobs of the mock GPU, as a client of its header: their fences reach syncobjs and dma-bufs. */
#include "tests/shim/client.h"

#include <wwresv/uapi/wwr_drm.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <xf86drm.h>

/* Long enough that a poll which does not wait would find bytes that are not written yet. */
#define DURATION_NS UINT64_C(100000000)

static int64_t seconds_from_now(int64_t seconds)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return ((int64_t)now.tv_sec + seconds) * 1000000000 + now.tv_nsec;
}

static short poll_for(int fd, short events, int timeout_ms)
{
	struct pollfd entry = {.fd = fd, .events = events};

	return poll(&entry, 1, timeout_ms) < 0 ? -1 : entry.revents;
}

static int submit(int fd, uint32_t bo, uint32_t sync, uint64_t duration_ns, int *ret_fd)
{
	struct wwr_drm_submit_bo bos = {.handle = bo, .flags = WWR_DRM_BO_WRITE};
	struct wwr_drm_submit_sync syncs = {.handle = sync, .point = 1};
	struct wwr_drm_submit submit = {
	    .flags = WWR_DRM_SUBMIT_FENCE_FD_OUT,
	    .num_bos = 1,
	    .bos = (uintptr_t)&bos,
	    .bo_stride = sizeof(bos),
	    .sync_stride = sizeof(syncs),
	    .num_out_syncs = 1,
	    .out_syncs = (uintptr_t)&syncs,
	    .duration_ns = duration_ns,
	    .seed = 42,
	};
	int ret = drmIoctl(fd, WWR_IOCTL_SUBMIT, &submit);

	*ret_fd = ret == 0 ? submit.out_fd : -1;
	return ret;
}

/* Without it a second run of the job could not be told from none. */
static bool is_all(const uint8_t *bytes, uint8_t value, size_t num)
{
	for (size_t i = 0; i < num; i++) {
		if (bytes[i] != value)
			return false;
	}
	return true;
}

int main(int argc, char **argv)
{
	int fd = client_open("wwrmock", true);
	struct client_buffer buffer;
	struct wwr_drm_get_param param = {.param = WWR_DRM_PARAM_NUM_ENGINES};
	uint64_t point = 1, value = 0;
	uint32_t sync = 0;
	int dma_buf = -1, out = -1;

	tap_plan(argc > 1 ? 9 : 8);
	/* How many engines of kind 0 it should have, if the caller says so. */
	if (argc > 1)
		tap_ok(drmIoctl(fd, WWR_IOCTL_GET_PARAM, &param) == 0 &&
			   param.value == strtoull(argv[1], NULL, 10),
		       "%s engines", argv[1]);
	tap_ok(client_buffer_create(fd, &buffer) && drmSyncobjCreate(fd, 0, &sync) == 0 &&
		   drmPrimeHandleToFD(fd, buffer.handle, DRM_CLOEXEC | DRM_RDWR, &dma_buf) == 0,
	       "a dumb buffer, its dma-buf and a syncobj");
	tap_ok(submit(fd, buffer.handle, sync, DURATION_NS, &out) == 0, "a job that writes it");
	tap_ok(drmSyncobjQuery2(fd, &sync, &value, 1, DRM_SYNCOBJ_QUERY_FLAGS_LAST_SUBMITTED) ==
		       0 &&
		   value == 1,
	       "its point is there at once");
	tap_ok(poll_for(dma_buf, POLLIN, 20000) == POLLIN, "the dma-buf is ready with the job");
	tap_ok(poll_for(out, POLLIN, 0) == POLLIN, "as its sync_file says");
	tap_ok(drmSyncobjTimelineWait(fd, &sync, &point, 1, seconds_from_now(20), 0, NULL) == 0,
	       "and its point");
	tap_ok(!is_all(buffer.bytes, 0, 64), "it has written");
	close(out);
	memset(buffer.bytes, 0, 4096);
	tap_ok(submit(fd, buffer.handle + 1, sync, 0, &out) != 0 && errno == ENOENT &&
		   is_all(buffer.bytes, 0, 4096),
	       "a handle that is none: no job");
	close(dma_buf);
	drmSyncobjDestroy(fd, sync);
	client_buffer_destroy(&buffer);
	close(fd);
	return tap_exit();
}
