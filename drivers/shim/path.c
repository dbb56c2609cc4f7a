/* SPDX-License-Identifier: MIT */
#include "drivers/shim/path.h"

#include "drivers/shim/fds.h"
#include "drivers/shim/real.h"
#include "drivers/shim/world.h"
#include "lockset/wwr_atomic.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SW_SYNC_PATH	   "/dev/sw_sync"
#define SW_SYNC_DEBUG_PATH "/sys/kernel/debug/sync/sw_sync"

/* Below these, the tree stands for the system's. */
static const char *const prefixes[] = {
    "/dev/dri",
    SW_SYNC_PATH,
    "/sys/class/drm",
    "/sys/kernel/debug/sync",
    "/sys/devices/platform/wwrmock",
    "/sys/devices/platform/vgem",
};

#define NODE_DIR       "/dev/dri/"
#define NUMBERS_PREFIX "/sys/dev/char/226:"

static bool begins_with(const char *name, const char *prefix)
{
	return strncmp(name, prefix, strlen(prefix)) == 0;
}

/* Runs of slashes and dots that mean nothing go, maybe in place.  false: it is too long. */
static bool squeeze(const char *name, char *ret_name)
{
	size_t length = 0;

	while (*name != '\0') {
		if (name[0] == '/' && name[1] == '/') {
			name++;
		} else if (name[0] == '/' && name[1] == '.' &&
			   (name[2] == '/' || name[2] == '\0')) {
			name += 2;
		} else {
			if (length == PATH_MAX - 1)
				return false;
			ret_name[length++] = *name++;
		}
	}
	ret_name[length] = '\0';
	return true;
}

static bool is_in_tree(const char *name)
{
	for (size_t i = 0; i < sizeof(prefixes) / sizeof(prefixes[0]); i++) {
		size_t length = strlen(prefixes[i]);

		if (strncmp(name, prefixes[i], length) == 0 &&
		    (name[length] == '/' || name[length] == '\0'))
			return true;
	}
	return begins_with(name, NUMBERS_PREFIX);
}

/* The number of a descriptor of this process, if the name is one's; -1. */
static int number_after(const char *name, const char *prefix)
{
	char *end;
	long number;

	if (!begins_with(name, prefix))
		return -1;
	name += strlen(prefix);
	if (*name < '0' || *name > '9')
		return -1;
	number = strtol(name, &end, 10);
	return *end == '\0' && number <= INT_MAX ? (int)number : -1;
}

static int number_in_proc(const char *name, const char *folder)
{
	char prefix[64];
	int fd;

	snprintf(prefix, sizeof(prefix), "/proc/self/%s/", folder);
	fd = number_after(name, prefix);
	if (fd < 0) {
		snprintf(prefix, sizeof(prefix), "/proc/thread-self/%s/", folder);
		fd = number_after(name, prefix);
	}
	if (fd < 0) {
		snprintf(prefix, sizeof(prefix), "/proc/%d/%s/", (int)getpid(), folder);
		fd = number_after(name, prefix);
	}
	return fd;
}

static void look_in_proc(struct path *path, const char *name)
{
	path->fd = number_in_proc(name, "fd");
	if (path->fd < 0)
		path->fd = number_after(name, "/dev/fd/");
	if (path->fd >= 0 && fd_kind(path->fd) != FD_PLAIN) {
		path->kind = PATH_FD;
		return;
	}
	path->fd = number_in_proc(name, "fdinfo");
	if (path->fd >= 0 && fd_kind(path->fd) == FD_FILE)
		path->kind = PATH_FDINFO;
}

/* The name in path->buffer, without what means nothing. */
static void look_in_tree(struct path *path)
{
	const char *tree = world_tree();
	size_t tree_bytes = tree != NULL ? strlen(tree) : 0;
	size_t length = strlen(path->buffer);

	if (tree == NULL || tree_bytes + length >= sizeof(path->buffer))
		return;
	path->kind = PATH_TREE;
	if (begins_with(path->buffer, NODE_DIR) &&
	    front_node_find(world_options(), path->buffer + strlen(NODE_DIR), &path->node))
		path->kind = PATH_NODE;
	else if (strcmp(path->buffer, SW_SYNC_PATH) == 0 ||
		 strcmp(path->buffer, SW_SYNC_DEBUG_PATH) == 0)
		path->kind = PATH_SW_SYNC;
	memmove(path->buffer + tree_bytes, path->buffer, length + 1);
	memcpy(path->buffer, tree, tree_bytes);
	path->name = path->buffer;
}

static uint32_t cwd_in_tree; /* atomic */

void path_set_cwd(bool in_tree)
{
	/* Relaxed: who changes the folder while others use names has no order anyway. */
	wwr_atomic_store(&cwd_in_tree, in_tree ? 1 : 0, WWR_RELAXED);
}

bool path_cwd_is_in_tree(void)
{
	return wwr_atomic_load(&cwd_in_tree, WWR_RELAXED) != 0; /* relaxed: as above */
}

/* The link to the folder that relative names begin at; false: it is not in the tree. */
static bool link_to_folder(int dirfd, char *ret_link, size_t link_bytes)
{
	if (dirfd == AT_FDCWD && path_cwd_is_in_tree()) {
		snprintf(ret_link, link_bytes, "/proc/self/cwd");
		return true;
	}
	if (dirfd < 0 || fd_kind(dirfd) != FD_TREE)
		return false;
	snprintf(ret_link, link_bytes, "/proc/self/fd/%d", dirfd);
	return true;
}

/* A name below a folder of the tree, as if it had been absolute; false: it is not. */
static bool join_tree(int dirfd, const char *name, char *ret_name)
{
	char link[32];
	ssize_t length;
	size_t room;

	if (!link_to_folder(dirfd, link, sizeof(link)))
		return false;
	length = real()->readlink(link, ret_name, PATH_MAX - 1);
	if (length <= 0)
		return false;
	ret_name[length] = '\0';
	length = (ssize_t)path_strip_tree(ret_name, (size_t)length);
	room = PATH_MAX - (size_t)length;
	return (size_t)snprintf(ret_name + length, room, "/%s", name) < room;
}

void path_look(struct path *path, int dirfd, const char *name)
{
	path->kind = PATH_PLAIN;
	path->name = name;
	if (name == NULL || name[0] == '\0')
		return;
	if (name[0] != '/') {
		if (!join_tree(dirfd, name, path->buffer))
			return;
		name = path->buffer;
	}
	/* Most names end here. */
	if (strchr("dsp/.", name[1]) == NULL || !squeeze(name, path->buffer))
		return;
	if (is_in_tree(path->buffer))
		look_in_tree(path);
	else if (fd_is_any())
		look_in_proc(path, path->buffer);
}

size_t path_strip_tree(char *name, size_t length)
{
	const char *tree = world_tree();
	size_t tree_bytes = tree != NULL ? strlen(tree) : 0;

	if (tree == NULL || length < tree_bytes || memcmp(name, tree, tree_bytes) != 0)
		return length;
	memmove(name, name + tree_bytes, length - tree_bytes + 1);
	return length - tree_bytes;
}

bool path_of_fd(int fd, char *ret_name, size_t name_bytes)
{
	char node[FRONT_NODE_NAME_BYTES];
	struct open_ref ref;

	if (!open_file_find(fd, &ref))
		return false;
	if (ref.drm != NULL) {
		front_node_name(ref.node, node);
		snprintf(ret_name, name_bytes, NODE_DIR "%s", node);
	} else {
		snprintf(ret_name, name_bytes, SW_SYNC_PATH);
	}
	open_ref_put(&ref);
	return true;
}
