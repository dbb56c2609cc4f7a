/* SPDX-License-Identifier: MIT */
/* ioctl() and mmap(): where a descriptor's own calls go. */
#include "drivers/core/core.h"
#include "drivers/core/gem.h"
#include "drivers/core/ioctl_fd.h"
#include "drivers/core/transport_self.h"
#include "drivers/shim/fds.h"
#include "drivers/shim/real.h"
#include "drivers/shim/world.h"

#include <wwresv/interrupt.h>
#include <wwresv/uapi/wwr_drm.h>

#include <drm.h>
#include <errno.h>
#include <stdarg.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

/* A new descriptor is known before the program sees it. */
static int shim_fd_out(void *data, int fd, bool cloexec)
{
	int ret = core_transport_self.fd_out(data, fd, cloexec);

	if (ret >= 0)
		(void)fd_learn(ret);
	return ret;
}

static void init_call(struct core_call *call, struct core_transport *transport,
		      struct wwr_interrupt_token *token)
{
	*transport = core_transport_self;
	transport->fd_out = shim_fd_out;
	wwr_interrupt_token_init(token);
	*call = (struct core_call){.transport = transport, .token = token, .new_fd = -1};
}

/* Calls that sleep until somebody signals: a fork() does not wait for them. */
static bool is_wait(unsigned long request)
{
	if (_IOC_TYPE(request) == 'b')
		return true;
	if (_IOC_TYPE(request) != DRM_IOCTL_BASE)
		return false;
	return _IOC_NR(request) == _IOC_NR(DRM_IOCTL_SYNCOBJ_WAIT) ||
	       _IOC_NR(request) == _IOC_NR(DRM_IOCTL_SYNCOBJ_TIMELINE_WAIT) ||
	       _IOC_NR(request) == _IOC_NR(DRM_IOCTL_SYNCOBJ_TRANSFER) ||
	       _IOC_NR(request) == _IOC_NR(WWR_IOCTL_BO_WAIT);
}

/* The threads of the mock GPU do not follow a fork(): its jobs would never end. */
static bool is_without_engine(const struct open_ref *ref, unsigned long request)
{
	return ref->is_inherited && ref->drm != NULL && _IOC_NR(request) >= DRM_COMMAND_BASE &&
	       _IOC_NR(request) < DRM_COMMAND_END &&
	       world_options()->drivers[ref->node.device] == FRONT_WWRMOCK;
}

static int file_ioctl(int fd, struct open_ref *ref, unsigned long request, uint64_t arg)
{
	struct wwr_interrupt_token token;
	struct core_transport transport;
	struct core_call call;
	int ret;

	init_call(&call, &transport, &token);
	call.file = ref->drm;
	if (is_without_engine(ref, request))
		ret = -ENODEV;
	else if (ref->drm != NULL)
		ret = core_ioctl(&call, request, arg);
	else
		ret = core_sw_sync_ioctl(&call, ref->sw_sync, request, arg);
	world_trace("ioctl %d %c 0x%02x (%u bytes) = %d", fd, (int)_IOC_TYPE(request),
		    (unsigned int)_IOC_NR(request), (unsigned int)_IOC_SIZE(request), ret);
	return ret;
}

static int plain_ioctl(int fd, unsigned long request, uint64_t arg)
{
	struct wwr_interrupt_token token;
	struct core_transport transport;
	struct core_call call;
	int ret;

	init_call(&call, &transport, &token);
	if (_IOC_TYPE(request) == 'b')
		ret = core_dma_buf_ioctl(&call, fd, request, arg);
	else
		ret = core_sync_file_ioctl(&call, fd, request, arg);
	if (ret != -ENOTTY)
		world_trace("ioctl %d %c 0x%02x = %d", fd, (int)_IOC_TYPE(request),
			    (unsigned int)_IOC_NR(request), ret);
	return ret;
}

/* What the system does with any descriptor. */
static bool is_for_all(unsigned long request)
{
	return request == FIOCLEX || request == FIONCLEX || request == FIONBIO ||
	       request == FIOASYNC;
}

/* 0, -errno, or 1: it is for the system. */
static int special_ioctl(int fd, unsigned long request, uint64_t arg)
{
	unsigned int type = _IOC_TYPE(request);
	bool waits = is_wait(request);
	struct open_ref ref = {.drm = NULL};
	bool is_file;
	int ret = 1;

	if (fd_kind(fd) != FD_FILE && type != DRM_IOCTL_BASE && type != 'W' && type != 'b' &&
	    type != '>')
		return 1;
	is_file = type == DRM_IOCTL_BASE || type == 'W' ? open_file_find_fast(fd, &ref)
							: open_file_find(fd, &ref);
	if (!is_file && type != 'b' && type != '>')
		return 1;
	if (!waits)
		world_begin_call();
	world_is_inside = true;
	if (is_file)
		ret = file_ioctl(fd, &ref, request, arg);
	else
		ret = plain_ioctl(fd, request, arg);
	world_is_inside = false;
	if (waits)
		world_begin_call();
	/* It may be the last reference, if another thread has closed the file. */
	if (is_file)
		open_ref_put(&ref);
	else if (ret == -ENOTTY)
		ret = 1;
	world_end_call();
	return ret;
}

SHIM_API int ioctl(int fd, unsigned long request, ...)
{
	va_list args;
	void *arg;
	int ret;

	va_start(args, request);
	arg = va_arg(args, void *);
	va_end(args);
	if (!fd_is_any() || is_for_all(request))
		return real()->ioctl(fd, request, arg);
	/* Some programs give an int, and the compiler makes a long of it. */
	ret = special_ioctl(fd, (uint32_t)request, (uintptr_t)arg);
	if (ret == 1)
		return real()->ioctl(fd, request, arg);
	if (ret >= 0)
		return ret;
	errno = -ret;
	return -1;
}

/* By the system call: who allocates memory may need it before anything else is there. */
static void *real_mmap(void *address, size_t length, int protection, int flags, int fd,
		       off_t offset)
{
	return (void *)syscall(SYS_mmap, address, length, protection, flags, fd, offset);
}

/* A copy of what others write would be none. */
static bool is_shared(int flags)
{
	return (flags & MAP_TYPE) == MAP_SHARED || (flags & MAP_TYPE) == MAP_SHARED_VALIDATE;
}

/* The system lets a file be mapped beyond its end, and ends who looks there. */
static bool may_map_buf(int fd, size_t length, int flags, off_t offset)
{
	struct stat status;

	return is_shared(flags) && real()->fstat(fd, &status) == 0 && offset >= 0 &&
	       offset <= status.st_size && length <= (uint64_t)(status.st_size - offset);
}

static void *file_mmap(struct open_ref *ref, void *address, size_t length, int protection,
		       int flags, off_t offset)
{
	struct core_gem *gem = NULL;
	void *ret = MAP_FAILED;
	int error = EINVAL;

	if (ref->drm != NULL && is_shared(flags))
		gem = core_gem_find_mapping(ref->drm, (uint64_t)offset, length);
	else if (ref->drm != NULL)
		error = EINVAL;
	else
		error = ENODEV;
	if (gem != NULL) {
		ret = real_mmap(address, length, protection, flags, gem->memfd, 0);
		error = errno;
		core_gem_put(gem);
	}
	if (ret == MAP_FAILED)
		errno = error;
	return ret;
}

static void *do_mmap(void *address, size_t length, int protection, int flags, int fd, off_t offset)
{
	void *ret = MAP_FAILED;
	struct open_ref ref;
	int error = ENODEV;

	if ((flags & MAP_ANONYMOUS) == 0 && fd_is_any() && fd_kind(fd) == FD_DMA_BUF &&
	    !may_map_buf(fd, length, flags, offset)) {
		errno = EINVAL;
		return MAP_FAILED;
	}
	/* What is not known to be a device is none, if the system maps it: a pipe cannot be. */
	if ((flags & MAP_ANONYMOUS) != 0 || !fd_is_known_file(fd)) {
		ret = real_mmap(address, length, protection, flags, fd, offset);
		error = errno;
	}
	if (ret != MAP_FAILED || (flags & MAP_ANONYMOUS) != 0 ||
	    (error != ENODEV && error != EACCES) || !fd_is_any())
		return ret;
	/* The hint was wrong, or it is a pipe of somebody else: what the system says counts. */
	if (!open_file_find(fd, &ref))
		return real_mmap(address, length, protection, flags, fd, offset);
	world_begin_call();
	ret = file_mmap(&ref, address, length, protection, flags, offset);
	error = errno;
	open_ref_put(&ref);
	world_end_call();
	errno = error;
	return ret;
}

SHIM_API void *mmap(void *address, size_t length, int protection, int flags, int fd, off_t offset)
{
	return do_mmap(address, length, protection, flags, fd, offset);
}

SHIM_API void *mmap64(void *address, size_t length, int protection, int flags, int fd,
		      off64_t offset)
{
	return do_mmap(address, length, protection, flags, fd, offset);
}
