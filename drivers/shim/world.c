/* SPDX-License-Identifier: MIT */
/*
 * Invariants: the options and the tree never change once they are there; a device is made when it
 * is first opened and stays until the process ends.  A forked child has what was open, and makes
 * devices of its own for what it opens: the threads of its parent's did not come with it.
 */
#include "drivers/shim/world.h"

#include "drivers/core/ioctl_fd.h"
#include "drivers/front/tree.h"
#include "drivers/shim/epoll.h"
#include "drivers/shim/real.h"
#include "drivers/shim/report.h"

#include <errno.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#define PATH_BYTES    (FRONT_TREE_BYTES + 64)
#define LINE_BYTES    256
#define SW_SYNC_MAJOR 10
#define SW_SYNC_MINOR 61

static struct {
	struct front_options options;
	char tree[FRONT_TREE_BYTES]; /* "" = there is none */
	int tree_pid;		     /* who made it, and removes it; 0 = somebody else */
	bool trace;
} world;
__thread bool world_is_inside;

static pthread_once_t world_once = PTHREAD_ONCE_INIT;

static pthread_mutex_t devices_lock = PTHREAD_MUTEX_INITIALIZER;
static struct core_device *devices[FRONT_NUM_DRIVERS]; /* under devices_lock */

static pthread_rwlock_t calls_lock = PTHREAD_RWLOCK_WRITER_NONRECURSIVE_INITIALIZER_NP;

void world_begin_call(void)
{
	pthread_rwlock_rdlock(&calls_lock);
}

void world_end_call(void)
{
	pthread_rwlock_unlock(&calls_lock);
}

static void fork_prepare(void)
{
	pthread_rwlock_wrlock(&calls_lock);
	/* Calls close descriptors, and so this comes after them. */
	epoll_lock();
	pthread_mutex_lock(&devices_lock);
	open_files_lock();
}

static void fork_parent(void)
{
	open_files_unlock();
	pthread_mutex_unlock(&devices_lock);
	epoll_unlock();
	pthread_rwlock_unlock(&calls_lock);
}

static void fork_child(void)
{
	static const pthread_rwlock_t fresh = PTHREAD_RWLOCK_WRITER_NONRECURSIVE_INITIALIZER_NP;

	for (unsigned int i = 0; i < FRONT_NUM_DRIVERS; i++)
		devices[i] = NULL;
	open_files_inherit();
	open_files_unlock();
	pthread_mutex_unlock(&devices_lock);
	epoll_unlock();
	/* It knows its owner by the number of the thread, and that is another one now. */
	memcpy(&calls_lock, &fresh, sizeof(fresh));
	world.tree_pid = 0;
	report_forked();
}

static void world_make(void)
{
	const char *tree = getenv(FRONT_ENV_TREE);
	const char *trace = getenv(FRONT_ENV_TRACE);
	char why[LINE_BYTES];
	int ret;

	report_begin();
	world.trace = trace != NULL && strcmp(trace, "1") == 0;
	if (front_options_read_env(&world.options, why, sizeof(why)) != 0) {
		fprintf(stderr, "wwresv-shim: %s\n", why);
		front_options_init(&world.options);
	}
	if (tree != NULL && strlen(tree) < sizeof(world.tree) && tree[0] == '/') {
		strcpy(world.tree, tree);
	} else {
		ret = front_tree_make(&world.options, world.tree);
		if (ret == 0) {
			world.tree_pid = getpid();
		} else {
			fprintf(stderr, "wwresv-shim: no folder for the devices: %s\n",
				strerror(-ret));
			world.tree[0] = '\0';
		}
	}
	(void)pthread_atfork(fork_prepare, fork_parent, fork_child);
}

const struct front_options *world_options(void)
{
	pthread_once(&world_once, world_make);
	return &world.options;
}

const char *world_tree(void)
{
	(void)world_options();
	return world.tree[0] != '\0' ? world.tree : NULL;
}

__attribute__((destructor)) static void world_end(void)
{
	report_write();
	if (world.tree_pid != 0 && world.tree_pid == getpid())
		front_tree_remove(world.tree);
}

static int stat_in_tree(const char *path, struct stat *ret_status)
{
	char full[PATH_BYTES];

	snprintf(full, sizeof(full), "%s%s", world.tree, path);
	return real()->stat(full, ret_status) == 0 ? 0 : -errno;
}

int world_stat_node(struct front_node node, struct stat *ret_status)
{
	char name[FRONT_NODE_NAME_BYTES];
	char path[64];

	front_node_name(node, name);
	snprintf(path, sizeof(path), "/dev/dri/%s", name);
	return stat_in_tree(path, ret_status);
}

static void make_device_of(struct stat *status, unsigned int major, unsigned int minor)
{
	status->st_mode = (status->st_mode & ~(mode_t)S_IFMT) | S_IFCHR;
	status->st_rdev = makedev(major, minor);
}

bool world_fix_stat(struct stat *status)
{
	const struct front_options *options = world_options();
	struct stat known;

	if (!S_ISREG(status->st_mode))
		return false;
	for (unsigned int i = 0; i < options->num_devices * 2; i++) {
		struct front_node node = {.device = i / 2, .render = i % 2 != 0};

		if (world_stat_node(node, &known) == 0 && known.st_ino == status->st_ino &&
		    known.st_dev == status->st_dev) {
			make_device_of(status, FRONT_DRM_MAJOR, front_node_minor(node));
			return true;
		}
	}
	if (stat_in_tree("/dev/sw_sync", &known) != 0 || known.st_ino != status->st_ino ||
	    known.st_dev != status->st_dev)
		return false;
	make_device_of(status, SW_SYNC_MAJOR, SW_SYNC_MINOR);
	return true;
}

static int world_device(unsigned int index, struct core_device **ret_device)
{
	int ret = 0;

	pthread_mutex_lock(&devices_lock);
	if (devices[index] == NULL)
		ret = front_device_create(world_options(), index, &devices[index]);
	if (ret == 0)
		*ret_device = core_device_get(devices[index]);
	pthread_mutex_unlock(&devices_lock);
	return ret;
}

void world_for_each_device(void (*fn)(unsigned int index, struct core_device *device, void *arg),
			   void *arg)
{
	pthread_mutex_lock(&devices_lock);
	for (unsigned int i = 0; i < FRONT_NUM_DRIVERS; i++) {
		if (devices[i] != NULL)
			fn(i, devices[i], arg);
	}
	pthread_mutex_unlock(&devices_lock);
}

static int open_node(struct front_node node, int flags)
{
	struct core_device *device = NULL;
	struct core_file *file;
	int ret = world_device(node.device, &device);

	if (ret != 0)
		return ret;
	ret = core_file_open(device, node.render, getpid(), (int)getuid(), &file);
	core_device_put(device);
	if (ret != 0)
		return ret;
	ret = open_file_add(node, file, NULL, flags);
	if (ret < 0)
		core_file_put(file);
	return ret;
}

int world_open_node(struct front_node node, int flags)
{
	int ret;

	world_begin_call();
	ret = open_node(node, flags);
	world_end_call();
	world_trace("open %s%u = %d", node.render ? "renderD" : "card", front_node_minor(node),
		    ret);
	return ret;
}

int world_open_sw_sync(int flags)
{
	struct core_sw_sync *sync;
	int ret;

	world_begin_call();
	ret = core_sw_sync_open(program_invocation_short_name, &sync);
	if (ret == 0) {
		ret = open_file_add((struct front_node){0}, NULL, sync, flags);
		if (ret < 0)
			core_sw_sync_put(sync);
	}
	world_end_call();
	world_trace("open sw_sync = %d", ret);
	return ret;
}

void world_trace(const char *format, ...)
{
	char line[LINE_BYTES];
	va_list args;
	int length;

	if (!world.trace)
		return;
	length = snprintf(line, sizeof(line), "wwresv-shim[%d]: ", (int)getpid());
	va_start(args, format);
	length += vsnprintf(line + length, sizeof(line) - (size_t)length - 1, format, args);
	va_end(args);
	if (length > (int)sizeof(line) - 2)
		length = (int)sizeof(line) - 2;
	line[length++] = '\n';
	if (write(STDERR_FILENO, line, (size_t)length) < 0)
		return;
}
