/* SPDX-License-Identifier: MIT */
/* The nodes, as libdrm and plain file calls see them. */
#include "tests/shim/client.h"

#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>
#include <xf86drm.h>

static void check_versions(void)
{
	int fd = drmOpen("vgem", NULL);
	drmVersionPtr version;
	uint64_t value = 0;
	char *bus;

	tap_ok(fd >= 0, "drmOpen() finds vgem by its name");
	version = drmGetVersion(fd);
	tap_ok(version != NULL && strcmp(version->name, "vgem") == 0, "drmGetVersion() names it");
	drmFreeVersion(version);
	tap_ok(drmGetCap(fd, DRM_CAP_DUMB_BUFFER, &value) == 0 && value == 1, "dumb buffers");
	tap_ok(drmGetCap(fd, DRM_CAP_SYNCOBJ_TIMELINE, &value) == 0 && value == 1, "timelines");
	tap_ok(drmGetCap(fd, UINT64_MAX, &value) < 0 && errno == EINVAL, "an unknown capability");
	tap_ok(drmSetInterfaceVersion(fd, &(drmSetVersion){1, 4, -1, -1}) == 0, "its version");
	bus = drmGetBusid(fd);
	tap_ok(bus != NULL && strcmp(bus, "vgem") == 0, "drmGetBusid()");
	drmFreeBusid(bus);
	tap_ok(drmIoctl(fd, DRM_IO(0x3f), NULL) < 0 && errno == EINVAL, "no such ioctl");
	close(fd);
	tap_ok(drmIoctl(fd, DRM_IO(0x3f), NULL) < 0 && errno == EBADF, "a closed descriptor");
}

static void check_devices(void)
{
	drmDevicePtr devices[8];
	drmDevicePtr device;
	int num = drmGetDevices2(0, devices, 8);
	int fd = client_open("wwrmock", true);
	char *name;

	tap_ok(num == 2, "drmGetDevices2() finds %d devices", num);
	tap_ok(drmGetDevice2(fd, 0, &device) == 0 && device->bustype == DRM_BUS_PLATFORM &&
		   strcmp(device->businfo.platform->fullname, "wwrmock") == 0 &&
		   strcmp(device->nodes[DRM_NODE_PRIMARY], "/dev/dri/card0") == 0,
	       "drmGetDevice2() of a descriptor");
	drmFreeDevice(&device);
	drmFreeDevices(devices, num > 0 ? num : 0);
	tap_ok(drmGetNodeTypeFromFd(fd) == DRM_NODE_RENDER, "it is a render node");
	name = drmGetPrimaryDeviceNameFromFd(fd);
	tap_ok(name != NULL && strcmp(name, "/dev/dri/card0") == 0, "and this is its card");
	free(name);
	name = drmGetDeviceNameFromFd2(fd);
	tap_ok(name != NULL && strcmp(name, "/dev/dri/renderD128") == 0, "and this its own name");
	free(name);
	close(fd);
}

static void check_stat(void)
{
	struct stat by_name, by_fd, by_at;
	struct statx extended;
	int dir = open("/dev/dri", O_RDONLY | O_DIRECTORY);
	int fd = open("/dev//dri/./card1", O_RDWR);
	int at = openat(dir, "card1", O_RDWR);

	tap_ok(fd >= 0 && at >= 0, "a name with more slashes, and one below a folder");
	tap_ok(stat("/dev/dri/card1", &by_name) == 0 && S_ISCHR(by_name.st_mode) &&
		   by_name.st_rdev == makedev(226, 1),
	       "stat() of a node");
	tap_ok(fstat(fd, &by_fd) == 0 && S_ISCHR(by_fd.st_mode) &&
		   by_fd.st_rdev == by_name.st_rdev && by_fd.st_ino == by_name.st_ino,
	       "fstat() tells the same");
	tap_ok(fstatat(dir, "card1", &by_at, 0) == 0 && by_at.st_rdev == by_name.st_rdev,
	       "and fstatat()");
	tap_ok(lstat("/dev/dri/renderD129", &by_at) == 0 && by_at.st_rdev == makedev(226, 129),
	       "and lstat()");
	tap_ok(statx(AT_FDCWD, "/dev/dri/card1", 0, STATX_BASIC_STATS, &extended) == 0 &&
		   S_ISCHR(extended.stx_mode) && extended.stx_rdev_major == 226 &&
		   extended.stx_rdev_minor == 1,
	       "and statx()");
	tap_ok(statx(fd, "", AT_EMPTY_PATH, STATX_BASIC_STATS, &extended) == 0 &&
		   S_ISCHR(extended.stx_mode),
	       "statx() of a descriptor");
	tap_ok(stat("/dev/dri", &by_name) == 0 && S_ISDIR(by_name.st_mode), "the folder");
	tap_ok(stat("/dev/dri/card9", &by_name) < 0 && errno == ENOENT, "a node that is not there");
	tap_ok(open("/dev/dri/card0", O_RDWR | O_DIRECTORY) < 0 && errno == ENOTDIR,
	       "a node is no folder");
	tap_ok((fcntl(fd, F_GETFL) & O_ACCMODE) == O_RDWR, "it was opened to read and write");
	tap_ok(lseek(fd, 0, SEEK_SET) == 0, "lseek() does nothing");
	close(fd);
	close(at);
	close(dir);
}

static int is_node(const struct dirent *entry)
{
	return entry->d_type == DT_CHR;
}

static void check_names(void)
{
	struct dirent **entries = NULL;
	int num_entries;
	char target[PATH_MAX];
	unsigned int num = 0;
	struct dirent *entry;
	char name[64];
	ssize_t length;
	DIR *dir;
	int fd;

	dir = opendir("/dev/dri");
	while (dir != NULL && (entry = readdir(dir)) != NULL)
		num += entry->d_type == DT_CHR ? 1 : 0;
	if (dir != NULL)
		closedir(dir);
	tap_ok(num == 4, "readdir() finds %u nodes", num);
	num_entries = scandir("/dev/dri", &entries, is_node, alphasort);
	tap_ok(num_entries == 4 && strcmp(entries[0]->d_name, "card0") == 0, "and scandir()");
	for (int i = 0; i < num_entries; i++)
		free(entries[i]);
	free(entries);
	tap_ok(access("/dev/dri/card0", R_OK | W_OK) == 0, "access()");
	tap_ok(access("/dev/dri/card7", F_OK) < 0 && errno == ENOENT, "access() to none");
	tap_ok(chmod("/dev/dri/card0", 0600) == 0 && chmod("/dev/dri/card0", 0666) == 0, "chmod()");
	tap_ok(realpath("/sys/dev/char/226:129/device", target) != NULL &&
		   strcmp(target, "/sys/devices/platform/vgem") == 0,
	       "realpath() in /sys");
	fd = open("/dev/dri/renderD129", O_RDWR);
	snprintf(name, sizeof(name), "/proc/self/fd/%d", fd);
	length = readlink(name, target, sizeof(target) - 1);
	target[length > 0 ? length : 0] = '\0';
	tap_ok(strcmp(target, "/dev/dri/renderD129") == 0, "readlink() of /proc: %s", target);
	close(fd);
}

/* What a program calls that was linked with a C library before 2.33. */
static void check_old_names(void)
{
	int (*old_stat)(int, const char *, struct stat *);
	int (*old_fstat)(int, int, struct stat *);
	int fd = open("/dev/dri/card0", O_RDWR);
	struct stat status;

	*(void **)&old_stat = dlsym(RTLD_DEFAULT, "__xstat64");
	*(void **)&old_fstat = dlsym(RTLD_DEFAULT, "__fxstat64");
	tap_ok(old_stat != NULL && old_stat(1, "/dev/dri/card0", &status) == 0 &&
		   status.st_rdev == makedev(226, 0),
	       "the old name of stat()");
	tap_ok(old_fstat != NULL && old_fstat(1, fd, &status) == 0 && S_ISCHR(status.st_mode),
	       "and of fstat()");
	close(fd);
}

/* The flags and the number of entries are not known when this is compiled: so with checks. */
static void check_checked(int flags, unsigned int num)
{
	struct pollfd entries[2];
	char target[PATH_MAX];
	char name[64];
	int fd = open("/dev/dri/card1", flags);
	ssize_t length;

	tap_ok(fd >= 0, "open() with flags that nobody knows");
	snprintf(name, sizeof(name), "/proc/self/fd/%d", fd);
	length = readlink(name, target, sizeof(target) - num);
	tap_ok(length == 14 && memcmp(target, "/dev/dri/card1", 14) == 0, "readlink() of a size");
	entries[0] = (struct pollfd){.fd = fd, .events = POLLIN};
	entries[1] = (struct pollfd){.fd = -1};
	tap_ok(poll(entries, num, 0) == 0, "poll() of a number");
	close(fd);
}

/* Names that begin at the folder of the process. */
static void check_folder(void)
{
	char before[PATH_MAX], inside[PATH_MAX];
	struct stat status;
	int fd, dir;

	tap_ok(getcwd(before, sizeof(before)) != NULL && chdir("/dev/dri") == 0, "into the folder");
	tap_ok(getcwd(inside, sizeof(inside)) != NULL && strcmp(inside, "/dev/dri") == 0,
	       "which is named so");
	tap_ok(getcwd(inside, 4) == NULL && errno == ERANGE, "where there is room for the name");
	fd = open("card1", O_RDWR);
	tap_ok(fd >= 0 && stat("card1", &status) == 0 && status.st_rdev == makedev(226, 1),
	       "a name in it");
	close(fd);
	tap_ok(chdir(before) == 0 && open("card1", O_RDWR) < 0 && errno == ENOENT, "and out");
	dir = open("/dev/dri", O_RDONLY | O_DIRECTORY);
	tap_ok(fchdir(dir) == 0 && access("renderD128", R_OK) == 0 && chdir(before) == 0,
	       "by its descriptor");
	close(dir);
}

static void *open_both(void *arg)
{
	int *fds = arg;

	fds[0] = open("/dev/null", O_RDONLY);
	fds[1] = access("/dev/dri/card0", R_OK);
	return NULL;
}

/* The smallest stack that the system gives a thread is enough. */
static void check_small_stack(void)
{
	int fds[2] = {-1, -1};
	pthread_attr_t attr;
	pthread_t thread;

	pthread_attr_init(&attr);
	tap_ok(pthread_attr_setstacksize(&attr, (size_t)PTHREAD_STACK_MIN) == 0 &&
		   pthread_create(&thread, &attr, open_both, fds) == 0 &&
		   pthread_join(thread, NULL) == 0 && fds[0] >= 0 && fds[1] == 0,
	       "from a thread with a small stack");
	pthread_attr_destroy(&attr);
	close(fds[0]);
}

static void check_fdinfo(void)
{
	int fd = client_open("vgem", true);
	char line[128];
	char name[64];
	bool found = false;
	FILE *file;

	snprintf(name, sizeof(name), "/proc/self/fdinfo/%d", fd);
	file = fopen(name, "r");
	while (file != NULL && fgets(line, sizeof(line), file) != NULL)
		found = found || strcmp(line, "drm-driver:\tvgem\n") == 0;
	tap_ok(found, "fdinfo tells the driver");
	if (file != NULL)
		fclose(file);
	close(fd);
}

static void check_numbers(void)
{
	unsigned int before = client_count_fds();
	int low = dup(0);
	int fd;

	close(low);
	fd = open("/dev/dri/card0", O_RDWR);
	tap_ok(fd == low, "open() gives the lowest number");
	close(fd);
	tap_ok(client_count_fds() == before, "and close() gives all back");
}

int main(int argc, char **argv)
{
	(void)argv;
	tap_plan(48);
	check_versions();
	check_devices();
	check_stat();
	check_names();
	check_fdinfo();
	check_folder();
	check_small_stack();
	check_old_names();
	check_checked(argc > 7 ? O_RDONLY : O_RDWR, (unsigned int)argc + 1);
	check_numbers();
	return tap_exit();
}
