/* SPDX-License-Identifier: MIT */
#include "tests/shim/client.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <xf86drm.h>

int client_open(const char *driver, bool render)
{
	for (int i = 0; i < 16; i++) {
		drmVersionPtr version;
		char path[32];
		bool found;
		int fd;

		snprintf(path, sizeof(path), "/dev/dri/%s%d", render ? "renderD" : "card",
			 render ? i + 128 : i);
		fd = open(path, O_RDWR | O_CLOEXEC);
		if (fd < 0)
			continue;
		version = drmGetVersion(fd);
		found = version != NULL && strcmp(version->name, driver) == 0;
		drmFreeVersion(version);
		if (found)
			return fd;
		close(fd);
	}
	printf("Bail out! no device of driver %s\n", driver);
	exit(1);
}

bool client_buffer_create(int fd, struct client_buffer *ret_buffer)
{
	struct drm_mode_create_dumb dumb = {.width = 64, .height = 64, .bpp = 32};
	struct drm_mode_map_dumb map = {0};
	void *bytes;

	if (drmIoctl(fd, DRM_IOCTL_MODE_CREATE_DUMB, &dumb) != 0)
		return false;
	map.handle = dumb.handle;
	if (drmIoctl(fd, DRM_IOCTL_MODE_MAP_DUMB, &map) != 0)
		return false;
	bytes = mmap(NULL, dumb.size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, (off_t)map.offset);
	if (bytes == MAP_FAILED)
		return false;
	*ret_buffer = (struct client_buffer){
	    .fd = fd, .handle = dumb.handle, .size_bytes = dumb.size, .bytes = bytes};
	return true;
}

void client_buffer_destroy(struct client_buffer *buffer)
{
	struct drm_mode_destroy_dumb destroy = {.handle = buffer->handle};

	munmap(buffer->bytes, buffer->size_bytes);
	(void)drmIoctl(buffer->fd, DRM_IOCTL_MODE_DESTROY_DUMB, &destroy);
}

/* As in the kernel's drivers/dma-buf/sw_sync.c, which has no header. */
struct create_fence {
	uint32_t value;
	char name[32];
	int32_t fence;
};

int client_timeline_create(void)
{
	return open("/sys/kernel/debug/sync/sw_sync", O_RDWR | O_CLOEXEC);
}

int client_timeline_fence(int timeline, uint32_t value)
{
	struct create_fence create = {.value = value, .name = "client"};

	return drmIoctl(timeline, _IOWR('W', 0, struct create_fence), &create) == 0 ? create.fence
										    : -1;
}

void client_timeline_inc(int timeline, uint32_t num)
{
	(void)drmIoctl(timeline, _IOW('W', 1, uint32_t), &num);
}

unsigned int client_count_fds(void)
{
	DIR *dir = opendir("/proc/self/fd");
	unsigned int num = 0;

	while (dir != NULL && readdir(dir) != NULL)
		num++;
	if (dir != NULL)
		closedir(dir);
	return num;
}
