/* SPDX-License-Identifier: MIT */
/* Dumb buffers, PRIME between two devices, and the ioctls and polls of a dma-buf. */
#include "tests/shim/client.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/dma-buf.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/select.h>
#include <unistd.h>
#include <xf86drm.h>

#include <linux/sync_file.h>
#include <libsync.h>

static int mock_fd, vgem_fd;

static uint32_t pattern(size_t i)
{
	return (uint32_t)(i * 2654435761u);
}

static bool has_pattern(const uint8_t *bytes, size_t size_bytes)
{
	const uint32_t *words = (const void *)bytes;

	for (size_t i = 0; i < size_bytes / sizeof(*words); i++) {
		if (words[i] != pattern(i))
			return false;
	}
	return true;
}

static void check_sharing(void)
{
	struct client_buffer buffer;
	uint32_t imported = 0, again = 0, other = 0;
	uint8_t *view;
	int fd = -1;

	tap_ok(client_buffer_create(mock_fd, &buffer), "a dumb buffer, mapped");
	for (size_t i = 0; i < buffer.size_bytes / 4; i++)
		((uint32_t *)(void *)buffer.bytes)[i] = pattern(i);
	tap_ok(drmPrimeHandleToFD(mock_fd, buffer.handle, DRM_CLOEXEC | DRM_RDWR, &fd) == 0,
	       "it is a dma-buf");
	tap_ok(lseek(fd, 0, SEEK_END) == (off_t)buffer.size_bytes, "of its size");
	tap_ok(drmPrimeFDToHandle(vgem_fd, fd, &imported) == 0 && imported != 0,
	       "the other device takes it");
	tap_ok(drmPrimeFDToHandle(vgem_fd, fd, &again) == 0 && again == imported,
	       "and has one handle of it");
	tap_ok(drmPrimeFDToHandle(mock_fd, fd, &other) == 0 && other == buffer.handle,
	       "the first finds its own");
	view = mmap(NULL, buffer.size_bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	tap_ok(view != MAP_FAILED && has_pattern(view, buffer.size_bytes), "the same bytes");
	client_buffer_destroy(&buffer);
	tap_ok(has_pattern(view, 16384), "which outlive the handle");
	munmap(view, 16384);
	tap_ok(drmPrimeFDToHandle(vgem_fd, 0, &again) != 0, "stdin is no dma-buf");
	drmCloseBufferHandle(vgem_fd, imported);
	close(fd);
}

static bool cannot_map(int fd, size_t size_bytes, int protection, int flags, off_t offset,
		       int error)
{
	void *view;

	errno = 0;
	view = mmap(NULL, size_bytes, protection, flags, fd, offset);
	if (view != MAP_FAILED)
		munmap(view, size_bytes);
	return view == MAP_FAILED && errno == error;
}

static void check_mapping_by_descriptor(const struct client_buffer *buffer)
{
	const int both = PROT_READ | PROT_WRITE;
	const size_t size_bytes = (size_t)buffer->size_bytes;
	struct drm_mode_map_dumb map = {.handle = buffer->handle};
	char byte = 0;
	int fd = -1, read_only = -1;
	void *view;

	drmPrimeHandleToFD(vgem_fd, buffer->handle, DRM_CLOEXEC | DRM_RDWR, &fd);
	tap_ok(cannot_map(fd, size_bytes + 4096, both, MAP_SHARED, 0, EINVAL) &&
		   cannot_map(fd, size_bytes, both, MAP_SHARED, 4096, EINVAL),
	       "nothing is mapped beyond the end");
	tap_ok(cannot_map(fd, size_bytes, both, MAP_PRIVATE, 0, EINVAL) &&
		   drmIoctl(vgem_fd, DRM_IOCTL_MODE_MAP_DUMB, &map) == 0 &&
		   cannot_map(vgem_fd, size_bytes, both, MAP_PRIVATE, (off_t)map.offset, EINVAL),
	       "nor a copy");
	tap_ok(read(fd, &byte, 1) < 0 && errno == EINVAL && write(fd, &byte, 1) < 0 &&
		   errno == EINVAL,
	       "there is nothing to read or write");
	tap_ok(lseek(fd, 1, SEEK_SET) < 0 && errno == EINVAL && lseek(fd, 0, SEEK_CUR) < 0 &&
		   errno == EINVAL && lseek(fd, 0, SEEK_SET) == 0,
	       "nor a place in it");
	close(fd);
	drmPrimeHandleToFD(vgem_fd, buffer->handle, DRM_CLOEXEC, &read_only);
	view = mmap(NULL, size_bytes, PROT_READ, MAP_SHARED, read_only, 0);
	tap_ok(view != MAP_FAILED &&
		   cannot_map(read_only, size_bytes, both, MAP_SHARED, 0, EACCES) &&
		   (fcntl(read_only, F_GETFL) & O_ACCMODE) == O_RDONLY,
	       "without DRM_RDWR it is only for reading");
	munmap(view, size_bytes);
	close(read_only);
}

static void check_mapping(void)
{
	struct client_buffer buffer;

	tap_ok(mmap(NULL, 4096, PROT_READ, MAP_SHARED, vgem_fd, 0x7fff000) == MAP_FAILED &&
		   errno == EINVAL,
	       "no buffer is at this offset");
	tap_ok(client_buffer_create(vgem_fd, &buffer) && buffer.bytes[100] == 0, "zeros at first");
	check_mapping_by_descriptor(&buffer);
	client_buffer_destroy(&buffer);
}

/* A dma-buf with a fence of sw_sync in it: a writer's that is pending until the timeline moves. */
struct busy {
	int timeline, fence, buf;
};

static bool busy_make(struct busy *busy, uint32_t flags)
{
	struct dma_buf_import_sync_file import = {.flags = flags};
	struct client_buffer buffer;
	bool ok;

	busy->timeline = client_timeline_create();
	busy->fence = client_timeline_fence(busy->timeline, 1);
	ok = client_buffer_create(vgem_fd, &buffer) &&
	     drmPrimeHandleToFD(vgem_fd, buffer.handle, DRM_CLOEXEC | DRM_RDWR, &busy->buf) == 0;
	import.fd = busy->fence;
	ok = ok && drmIoctl(busy->buf, DMA_BUF_IOCTL_IMPORT_SYNC_FILE, &import) == 0;
	client_buffer_destroy(&buffer);
	return ok;
}

static void busy_end(struct busy *busy)
{
	close(busy->buf);
	close(busy->fence);
	close(busy->timeline);
}

static short poll_once(int fd, short events)
{
	struct pollfd entry = {.fd = fd, .events = events};

	return poll(&entry, 1, 0) < 0 ? -1 : entry.revents;
}

static void check_polls(void)
{
	struct busy busy = {-1, -1, -1};
	struct timeval now = {0, 0};
	fd_set in, out;

	tap_ok(busy_make(&busy, DMA_BUF_SYNC_READ), "a reader is in a dma-buf");
	tap_ok(poll_once(busy.buf, POLLIN) == POLLIN, "others may read");
	tap_ok(poll_once(busy.buf, POLLOUT) == 0, "but not write");
	tap_ok(poll_once(busy.buf, POLLIN | POLLOUT) == POLLIN, "both are asked for");
	FD_ZERO(&in);
	FD_ZERO(&out);
	FD_SET(busy.buf, &in);
	FD_SET(busy.buf, &out);
	tap_ok(select(busy.buf + 1, &in, &out, NULL, &now) == 1 && FD_ISSET(busy.buf, &in) &&
		   !FD_ISSET(busy.buf, &out),
	       "select() sees that, too");
	client_timeline_inc(busy.timeline, 1);
	tap_ok(poll_once(busy.buf, POLLIN | POLLOUT) == (POLLIN | POLLOUT), "the reader is done");
	busy_end(&busy);
}

static void check_epoll(void)
{
	struct epoll_event event = {.events = EPOLLIN, .data.u32 = 77};
	struct epoll_event got = {0};
	int epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	struct busy busy = {-1, -1, -1};

	tap_ok(busy_make(&busy, DMA_BUF_SYNC_WRITE), "a writer is in a dma-buf");
	tap_ok(epoll_ctl(epoll_fd, EPOLL_CTL_ADD, busy.buf, &event) == 0, "epoll takes it");
	tap_ok(epoll_ctl(epoll_fd, EPOLL_CTL_ADD, busy.buf, &event) < 0 && errno == EEXIST, "once");
	tap_ok(epoll_wait(epoll_fd, &got, 1, 0) == 0, "nothing yet");
	client_timeline_inc(busy.timeline, 1);
	tap_ok(epoll_wait(epoll_fd, &got, 1, 10000) == 1 && got.events == EPOLLIN &&
		   got.data.u32 == 77,
	       "the writer is done");
	tap_ok(epoll_wait(epoll_fd, &got, 1, 0) == 1, "and stays so");
	tap_ok(epoll_ctl(epoll_fd, EPOLL_CTL_DEL, busy.buf, NULL) == 0 &&
		   epoll_wait(epoll_fd, &got, 1, 0) == 0,
	       "until it is taken out");
	tap_ok(epoll_ctl(epoll_fd, EPOLL_CTL_ADD, mock_fd, &event) == 0 &&
		   epoll_wait(epoll_fd, &got, 1, 0) == 0,
	       "a device has no events");
	busy_end(&busy);
	close(epoll_fd);
}

/* A sleeper is not woken by the end of a fence after which another one came. */
struct relay {
	struct busy busy;
	int next; /* a sync_file that signals at 2 */
};

static void *run_relay(void *arg)
{
	struct relay *relay = arg;
	struct dma_buf_import_sync_file import = {.flags = DMA_BUF_SYNC_WRITE, .fd = relay->next};

	(void)drmIoctl(relay->busy.buf, DMA_BUF_IOCTL_IMPORT_SYNC_FILE, &import);
	client_timeline_inc(relay->busy.timeline, 1);
	return NULL;
}

static bool relay_start(struct relay *relay, pthread_t *ret_thread)
{
	if (!busy_make(&relay->busy, DMA_BUF_SYNC_WRITE))
		return false;
	relay->next = client_timeline_fence(relay->busy.timeline, 2);
	return pthread_create(ret_thread, NULL, run_relay, relay) == 0;
}

static void check_relays(void)
{
	struct epoll_event event = {.events = EPOLLIN};
	int epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	struct relay relay;
	struct pollfd entry = {.events = POLLIN};
	pthread_t thread;

	tap_ok(relay_start(&relay, &thread), "a second writer comes while the first is there");
	entry.fd = relay.busy.buf;
	tap_ok(poll(&entry, 1, 200) == 0, "poll() waits for both");
	pthread_join(thread, NULL);
	client_timeline_inc(relay.busy.timeline, 1);
	tap_ok(poll(&entry, 1, 10000) == 1 && entry.revents == POLLIN, "and then not");
	busy_end(&relay.busy);
	close(relay.next);

	tap_ok(relay_start(&relay, &thread) &&
		   epoll_ctl(epoll_fd, EPOLL_CTL_ADD, relay.busy.buf, &event) == 0,
	       "once more");
	tap_ok(epoll_wait(epoll_fd, &event, 1, 200) == 0, "epoll waits for both");
	pthread_join(thread, NULL);
	client_timeline_inc(relay.busy.timeline, 1);
	tap_ok(epoll_wait(epoll_fd, &event, 1, 10000) == 1, "and then not");
	busy_end(&relay.busy);
	close(relay.next);
	close(epoll_fd);
}

static void check_dma_buf_ioctls(void)
{
	struct dma_buf_export_sync_file export = {.flags = DMA_BUF_SYNC_READ, .fd = -1};
	struct dma_buf_sync sync = {.flags = DMA_BUF_SYNC_START | DMA_BUF_SYNC_RW};
	struct busy busy = {-1, -1, -1};

	tap_ok(busy_make(&busy, DMA_BUF_SYNC_WRITE), "another with a writer");
	tap_ok(drmIoctl(busy.buf, DMA_BUF_IOCTL_EXPORT_SYNC_FILE, &export) == 0 &&
		   sync_wait(export.fd, 0) < 0 && errno == ETIME,
	       "its fence comes out again, pending");
	client_timeline_inc(busy.timeline, 1);
	tap_ok(sync_wait(export.fd, 10000) == 0, "then signalled");
	tap_ok(drmIoctl(busy.buf, DMA_BUF_IOCTL_SYNC, &sync) == 0, "the processor may look");
	sync.flags = 1u << 7;
	tap_ok(drmIoctl(busy.buf, DMA_BUF_IOCTL_SYNC, &sync) < 0 && errno == EINVAL, "bad flags");
	tap_ok(drmIoctl(busy.buf, DRM_IOCTL_GET_MAGIC, &sync) < 0 && errno == ENOTTY,
	       "a dma-buf is no device");
	close(export.fd);
	busy_end(&busy);
}

int main(void)
{
	tap_plan(42);
	mock_fd = client_open("wwrmock", true);
	vgem_fd = client_open("vgem", true);
	check_sharing();
	check_mapping();
	check_polls();
	check_epoll();
	check_relays();
	check_dma_buf_ioctls();
	close(mock_fd);
	close(vgem_fd);
	return tap_exit();
}
