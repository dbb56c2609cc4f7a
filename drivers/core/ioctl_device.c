/* SPDX-License-Identifier: MIT */
/* Who the device is, what it can do, and who is its master. */
#include "drivers/core/ioctl.h"

#include <wwresv/uapi/drm_more.h>
#include "lockset/wwr_atomic.h"

#include <errno.h>
#include <string.h>

#define MAX_CLIENT_CAP 6

/*
 * A text for a buffer of *length bytes at dst: as much as fits, without a 0 behind it; *length
 * becomes the length of the whole text.
 */
static int copy_text(struct core_call *call, uint64_t dst, size_t *length, const char *text)
{
	size_t num = text != NULL ? strlen(text) : 0;
	size_t room = *length;

	*length = num;
	if (room > num)
		room = num;
	if (room == 0 || dst == 0)
		return 0;
	return core_copy_out(call, dst, text, room);
}

static int ioctl_version(struct core_call *call, void *arg)
{
	const struct core_driver *driver = call->file->device->driver;
	struct drm_version *version = arg;
	int ret;

	version->version_major = driver->major;
	version->version_minor = driver->minor;
	version->version_patchlevel = driver->patchlevel;
	ret = copy_text(call, (uintptr_t)version->name, &version->name_len, driver->name);
	if (ret == 0)
		ret = copy_text(call, (uintptr_t)version->date, &version->date_len, driver->date);
	if (ret == 0)
		ret = copy_text(call, (uintptr_t)version->desc, &version->desc_len, driver->desc);
	return ret;
}

/*
 * The whole text, or none of it: a client asks for the length first.  Until SET_VERSION there is
 * none, and drmOpen() takes a device that has one for somebody else's.
 */
static int ioctl_get_unique(struct core_call *call, void *arg)
{
	struct core_device *device = call->file->device;
	struct drm_unique *unique = arg;
	const char *text;
	size_t length;
	int ret = 0;

	pthread_mutex_lock(&device->lock);
	text = device->has_unique ? device->driver->unique : "";
	pthread_mutex_unlock(&device->lock);
	length = strlen(text);

	if (unique->unique_len >= length)
		ret = core_copy_out(call, (uintptr_t)unique->unique, text, length);
	unique->unique_len = length;
	return ret;
}

static int ioctl_get_magic(struct core_call *call, void *arg)
{
	struct core_file *file = call->file;
	struct drm_auth *auth = arg;

	pthread_mutex_lock(&file->device->lock);
	if (file->magic == 0)
		file->magic = ++file->device->last_magic;
	auth->magic = file->magic;
	pthread_mutex_unlock(&file->device->lock);
	return 0;
}

static int ioctl_auth_magic(struct core_call *call, void *arg)
{
	struct core_device *device = call->file->device;
	const struct drm_auth *auth = arg;
	struct core_file *file;

	pthread_mutex_lock(&device->lock);
	file = device->files;
	while (file != NULL && (file->magic != auth->magic || auth->magic == 0))
		file = file->next;
	if (file != NULL) {
		/* Each number is good for one authentication. */
		file->authenticated = true;
		file->magic = 0;
	}
	pthread_mutex_unlock(&device->lock);
	return file != NULL ? 0 : -EINVAL;
}

static int ioctl_set_master(struct core_call *call, void *arg)
{
	struct core_file *file = call->file;
	int ret = 0;

	(void)arg;
	pthread_mutex_lock(&file->device->lock);
	if (file->device->master == NULL && (file->was_master || file->uid == 0)) {
		file->device->master = file;
		file->was_master = true;
		file->authenticated = true;
	} else if (file->device->master != file) {
		ret = file->was_master || file->uid == 0 ? -EBUSY : -EACCES;
	}
	pthread_mutex_unlock(&file->device->lock);
	return ret;
}

static int ioctl_drop_master(struct core_call *call, void *arg)
{
	struct core_device *device = call->file->device;
	int ret = 0;

	(void)arg;
	pthread_mutex_lock(&device->lock);
	if (device->master == call->file)
		device->master = NULL;
	else
		ret = call->file->was_master || call->file->uid == 0 ? -EINVAL : -EACCES;
	pthread_mutex_unlock(&device->lock);
	return ret;
}

static int ioctl_get_cap(struct core_call *call, void *arg)
{
	const uint32_t caps = call->file->device->caps;
	struct drm_get_cap *cap = arg;

	cap->value = 0;
	switch (cap->capability) {
	case DRM_CAP_DUMB_BUFFER:
		cap->value = (caps & CORE_CAP_DUMB) != 0;
		return 0;
	case DRM_CAP_PRIME:
		cap->value = ((caps & CORE_CAP_PRIME_IMPORT) != 0 ? DRM_PRIME_CAP_IMPORT : 0) |
			     ((caps & CORE_CAP_PRIME_EXPORT) != 0 ? DRM_PRIME_CAP_EXPORT : 0);
		return 0;
	case DRM_CAP_SYNCOBJ:
		cap->value = (caps & CORE_CAP_SYNCOBJ) != 0;
		return 0;
	case DRM_CAP_SYNCOBJ_TIMELINE:
		cap->value = (caps & CORE_CAP_SYNCOBJ_TIMELINE) != 0;
		return 0;
	case DRM_CAP_TIMESTAMP_MONOTONIC:
		cap->value = 1;
		return 0;
	case DRM_CAP_CURSOR_WIDTH:
	case DRM_CAP_CURSOR_HEIGHT:
		cap->value = 64;
		return 0;
	case DRM_CAP_DUMB_PREFERRED_DEPTH:
	case DRM_CAP_DUMB_PREFER_SHADOW:
	case DRM_CAP_VBLANK_HIGH_CRTC:
	case DRM_CAP_ASYNC_PAGE_FLIP:
	case DRM_CAP_ADDFB2_MODIFIERS:
	case DRM_CAP_PAGE_FLIP_TARGET:
	case DRM_CAP_CRTC_IN_VBLANK_EVENT:
	case WWR_DRM_CAP_ATOMIC_ASYNC_PAGE_FLIP:
		return 0;
	default:
		return -EINVAL;
	}
}

/* There is no display behind these devices, and so nothing to ask for but to be asked. */
static int ioctl_set_client_cap(struct core_call *call, void *arg)
{
	const struct drm_set_client_cap *cap = arg;

	(void)call;
	if (cap->capability == 0 || cap->capability > MAX_CLIENT_CAP)
		return -EINVAL;
	return -EOPNOTSUPP;
}

static int ioctl_set_version(struct core_call *call, void *arg)
{
	const struct core_driver *driver = call->file->device->driver;
	struct drm_set_version *version = arg;
	int ret = 0;

	/* -1 = do not care.  The interface has been at 1.4 for very long. */
	if (version->drm_di_major != -1 &&
	    (version->drm_di_major != 1 || version->drm_di_minor < 0 || version->drm_di_minor > 4))
		ret = -EINVAL;
	if (version->drm_dd_major != -1 &&
	    (version->drm_dd_major != driver->major || version->drm_dd_minor < 0 ||
	     version->drm_dd_minor > driver->minor))
		ret = -EINVAL;
	if (ret == 0 && version->drm_di_major == 1 && version->drm_di_minor >= 1) {
		pthread_mutex_lock(&call->file->device->lock);
		call->file->device->has_unique = true;
		pthread_mutex_unlock(&call->file->device->lock);
	}
	version->drm_di_major = 1;
	version->drm_di_minor = 4;
	version->drm_dd_major = driver->major;
	version->drm_dd_minor = driver->minor;
	return ret;
}

/* Only about oneself, as in the kernel since it stopped telling about others. */
static int ioctl_get_client(struct core_call *call, void *arg)
{
	struct core_file *file = call->file;
	struct drm_client *client = arg;

	if (client->idx != 0)
		return -EINVAL;
	pthread_mutex_lock(&file->device->lock);
	client->auth = file->authenticated;
	pthread_mutex_unlock(&file->device->lock);
	client->pid = (unsigned long)file->pid;
	client->uid = (unsigned long)file->uid;
	client->magic = 0;
	client->iocs = 0;
	return 0;
}

static int ioctl_get_stats(struct core_call *call, void *arg)
{
	(void)call;
	memset(arg, 0, sizeof(struct drm_stats));
	return 0;
}

/* What may be printed in one word of a line. */
static bool name_is_good(const char *name, size_t length)
{
	for (size_t i = 0; i < length; i++) {
		if (name[i] <= ' ' || name[i] > '~')
			return false;
	}
	return true;
}

static int ioctl_set_client_name(struct core_call *call, void *arg)
{
	const struct wwr_drm_set_client_name *set = arg;
	char name[CORE_NAME_BYTES] = "";

	if (set->name_len >= sizeof(name) || (set->name_len == 0) != (set->name == 0))
		return -EINVAL;
	if (set->name_len != 0 && core_copy_in(call, name, set->name, (size_t)set->name_len) != 0)
		return -EFAULT;
	if (!name_is_good(name, (size_t)set->name_len))
		return -EINVAL;
	pthread_mutex_lock(&call->file->lock);
	memcpy(call->file->name, name, sizeof(name));
	pthread_mutex_unlock(&call->file->lock);
	return 0;
}

static const struct core_ioctl device_rows[] = {
    CORE_IOCTL_WR(DRM_IOCTL_VERSION, struct drm_version, CORE_RENDER, ioctl_version),
    CORE_IOCTL_WR(DRM_IOCTL_GET_UNIQUE, struct drm_unique, 0, ioctl_get_unique),
    CORE_IOCTL_R(DRM_IOCTL_GET_MAGIC, struct drm_auth, 0, ioctl_get_magic),
    CORE_IOCTL_W(DRM_IOCTL_AUTH_MAGIC, struct drm_auth, CORE_MASTER, ioctl_auth_magic),
    CORE_IOCTL_WR(DRM_IOCTL_GET_CLIENT, struct drm_client, 0, ioctl_get_client),
    CORE_IOCTL_R(DRM_IOCTL_GET_STATS, struct drm_stats, 0, ioctl_get_stats),
    CORE_IOCTL_WR(DRM_IOCTL_SET_VERSION, struct drm_set_version, CORE_MASTER, ioctl_set_version),
    CORE_IOCTL_0(DRM_IOCTL_SET_MASTER, 0, ioctl_set_master),
    CORE_IOCTL_0(DRM_IOCTL_DROP_MASTER, 0, ioctl_drop_master),
    CORE_IOCTL_WR(DRM_IOCTL_GET_CAP, struct drm_get_cap, CORE_RENDER, ioctl_get_cap),
    CORE_IOCTL_W(DRM_IOCTL_SET_CLIENT_CAP, struct drm_set_client_cap, 0, ioctl_set_client_cap),
    CORE_IOCTL_WR(WWR_DRM_IOCTL_SET_CLIENT_NAME, struct wwr_drm_set_client_name, CORE_RENDER,
		  ioctl_set_client_name),
};
const struct core_ioctl_table core_device_ioctls = {device_rows,
						    sizeof(device_rows) / sizeof(device_rows[0])};
