/* SPDX-License-Identifier: MIT */
/*
 * What a client must not do: every ioctl number with addresses that are none, cannot be read or
 * cannot be written; descriptors of the wrong kind; numbers that are closed.
 */
#include "tests/shim/client.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/dma-buf.h>
#include <stdint.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>
#include <xf86drm.h>

#define BLOCK_BYTES 128

/* Never a success that took a block: it cannot have been read. */
static unsigned int try_all(int fd, void *address)
{
	unsigned int taken = 0;

	for (unsigned int nr = 0; nr < 256; nr++) {
		errno = 0;
		if (ioctl(fd, _IOC(_IOC_READ | _IOC_WRITE, 'd', nr, BLOCK_BYTES), address) == 0 &&
		    nr != _IOC_NR(DRM_IOCTL_SET_MASTER) && nr != _IOC_NR(DRM_IOCTL_DROP_MASTER))
			taken++;
	}
	return taken;
}

static void check_addresses(int fd, const char *name)
{
	void *closed = mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	void *fixed = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct drm_get_cap *cap = fixed;

	tap_ok(try_all(fd, NULL) == 0, "%s: no address", name);
	tap_ok(try_all(fd, (void *)UINTPTR_MAX) == 0, "%s: the last address", name);
	tap_ok(try_all(fd, closed) == 0, "%s: memory that cannot be read", name);
	tap_ok(ioctl(fd, DRM_IOCTL_GET_CAP, closed) < 0 && errno == EFAULT, "%s: EFAULT", name);
	mprotect(fixed, 4096, PROT_READ | PROT_WRITE);
	cap->capability = DRM_CAP_DUMB_BUFFER;
	mprotect(fixed, 4096, PROT_READ);
	tap_ok(ioctl(fd, DRM_IOCTL_GET_CAP, fixed) < 0 && errno == EFAULT && cap->value == 0,
	       "%s: memory that cannot be written", name);
	munmap(closed, 4096);
	munmap(fixed, 4096);
}

/* What cannot be given to the client is taken back. */
static void check_taken_back(int fd)
{
	struct client_buffer buffer;
	unsigned int before;
	int shared = -1;
	struct drm_prime_handle *prime =
	    mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	(void)client_buffer_create(fd, &buffer);
	/* The first time makes the dma-buf, which is there as long as the buffer. */
	(void)drmPrimeHandleToFD(fd, buffer.handle, 0, &shared);
	close(shared);
	prime->handle = buffer.handle;
	mprotect(prime, 4096, PROT_READ);
	before = client_count_fds();
	tap_ok(ioctl(fd, DRM_IOCTL_PRIME_HANDLE_TO_FD, prime) < 0 && errno == EFAULT,
	       "a descriptor without a place for its number");
	tap_ok(client_count_fds() == before, "is not there");
	client_buffer_destroy(&buffer);
	munmap(prime, 4096);
}

static void check_wrong_kinds(int fd)
{
	struct dma_buf_sync sync = {.flags = DMA_BUF_SYNC_START | DMA_BUF_SYNC_READ};
	int ends[2] = {-1, -1};
	uint32_t handle;
	int number = 1;

	tap_ok(pipe(ends) == 0 && ioctl(ends[0], DRM_IOCTL_GET_MAGIC, &sync) < 0 && errno == ENOTTY,
	       "a pipe is no device");
	tap_ok(ioctl(ends[0], FIONREAD, &number) == 0 && number == 0, "and works as ever");
	tap_ok(ioctl(fd, DMA_BUF_IOCTL_SYNC, &sync) < 0 && errno == EINVAL, "a device no dma-buf");
	tap_ok(drmPrimeFDToHandle(fd, ends[0], &handle) != 0 && errno == EINVAL, "nor is a pipe");
	tap_ok(drmPrimeFDToHandle(fd, fd, &handle) != 0 && errno == EINVAL, "nor a device");
	tap_ok(drmPrimeFDToHandle(fd, -1, &handle) != 0 && errno == EBADF, "nor nothing");
	tap_ok(drmSyncobjFDToHandle(fd, ends[1], &handle) != 0 && errno == EINVAL,
	       "nor is a pipe a syncobj");
	number = 1;
	tap_ok(ioctl(fd, FIONBIO, &number) == 0 && (fcntl(fd, F_GETFL) & O_NONBLOCK) != 0,
	       "what any descriptor can");
	tap_ok(read(fd, &sync, sizeof(sync)) < 0 && errno == EAGAIN, "there are no events");
	close(ends[0]);
	close(ends[1]);
}

/* The library has descriptors of its own: a program that closes all it can does not break it. */
static void check_close_all(void)
{
	int fd = client_open("vgem", false);
	struct client_buffer buffer;

	for (int other = fd + 1; other < 4096; other++)
		close(other);
	tap_ok(fcntl(fd, F_GETFD) >= 0 &&
		   ioctl(fd, DRM_IOCTL_GET_MAGIC, &(struct drm_auth){0}) == 0,
	       "after close() of all numbers above it a device is there");
	tap_ok(client_buffer_create(fd, &buffer), "and makes buffers");
	client_buffer_destroy(&buffer);
	close(fd);
}

int main(void)
{
	int render = client_open("vgem", true);
	int card = client_open("wwrmock", false);

	tap_plan(23);
	check_addresses(render, "vgem, render node");
	check_addresses(card, "wwrmock, card");
	check_taken_back(render);
	check_wrong_kinds(render);
	close(render);
	close(card);
	check_close_all();
	return tap_exit();
}
