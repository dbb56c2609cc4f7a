/* SPDX-License-Identifier: MIT */
/* The functions that open a file by its name. */
#include "drivers/shim/path.h"
#include "drivers/shim/real.h"
#include "drivers/shim/world.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define FDINFO_BYTES 1024

/* Those that only programs with checks compiled in call; no header has them. */
SHIM_API int __open_2(const char *name, int flags);
SHIM_API int __open64_2(const char *name, int flags);
SHIM_API int __openat_2(int dirfd, const char *name, int flags);
SHIM_API int __openat64_2(int dirfd, const char *name, int flags);

static int check_node_flags(int flags)
{
	if ((flags & O_DIRECTORY) != 0)
		return -ENOTDIR;
	if ((flags & (O_CREAT | O_EXCL)) == (O_CREAT | O_EXCL))
		return -EEXIST;
	return 0;
}

static int open_copy(int fd, int flags)
{
	struct open_ref ref;
	int ret;

	if (!open_file_find(fd, &ref))
		return -ENOENT;
	ret = ref.drm != NULL ? world_open_node(ref.node, flags) : world_open_sw_sync(flags);
	open_ref_put(&ref);
	return ret;
}

/* A file with what the kernel would print there. */
static int open_fdinfo(int of_fd, int flags)
{
	char text[FDINFO_BYTES];
	struct open_ref ref;
	size_t length;
	int ret = -ENOENT;
	int fd;

	if (!open_file_find(of_fd, &ref))
		return -ENOENT;
	if (ref.drm != NULL) {
		length = (size_t)snprintf(text, sizeof(text), "pos:\t0\nflags:\t02%06o\n",
					  (unsigned int)(real()->fcntl(of_fd, F_GETFL) | O_RDWR));
		length += core_file_fdinfo(ref.drm, text + length, sizeof(text) - length);
		if (length >= sizeof(text))
			length = sizeof(text) - 1;
		fd = memfd_create("fdinfo", (flags & O_CLOEXEC) != 0 ? MFD_CLOEXEC : 0);
		ret = fd < 0 ? -errno : fd;
		if (fd >= 0 && (write(fd, text, length) != (ssize_t)length ||
				real()->lseek(fd, 0, SEEK_SET) != 0)) {
			close(fd);
			ret = -EIO;
		}
	}
	open_ref_put(&ref);
	return ret;
}

/* A descriptor or -errno, of a name that is one of ours; kind is not PATH_PLAIN. */
static int open_special(struct path *path, int flags, mode_t mode)
{
	int ret = 0;
	int fd;

	if ((path->kind == PATH_NODE || path->kind == PATH_SW_SYNC) && (flags & O_PATH) == 0) {
		ret = check_node_flags(flags);
		if (ret != 0)
			return ret;
		return path->kind == PATH_NODE ? world_open_node(path->node, flags)
					       : world_open_sw_sync(flags);
	}
	if (path->kind == PATH_FDINFO)
		return open_fdinfo(path->fd, flags);
	if (path->kind == PATH_FD && fd_kind(path->fd) == FD_FILE) {
		ret = check_node_flags(flags);
		return ret != 0 ? ret : open_copy(path->fd, flags);
	}
	fd = real()->open(path->name, flags, mode);
	if (fd < 0)
		return -errno;
	if (path->kind == PATH_FD && !world_is_inside)
		(void)fd_learn(fd);
	else if (path->kind != PATH_FD)
		fd_set_kind(fd, FD_TREE);
	return fd;
}

static int result(int ret)
{
	if (ret >= 0)
		return ret;
	errno = -ret;
	return -1;
}

static int do_openat(int dirfd, const char *name, int flags, mode_t mode)
{
	struct path path;

	path_look(&path, dirfd, name);
	if (path.kind != PATH_PLAIN)
		return result(open_special(&path, flags, mode));
	return real()->openat(dirfd, name, flags, mode);
}

static bool has_mode(int flags)
{
	return (flags & O_CREAT) != 0 || (flags & O_TMPFILE) == O_TMPFILE;
}

#define TAKE_MODE(mode, flags)                                                                     \
	do {                                                                                       \
		va_list args;                                                                      \
                                                                                                   \
		va_start(args, flags);                                                             \
		if (has_mode(flags))                                                               \
			(mode) = va_arg(args, mode_t);                                             \
		va_end(args);                                                                      \
	} while (0)

SHIM_API int open(const char *name, int flags, ...)
{
	mode_t mode = 0;

	TAKE_MODE(mode, flags);
	return do_openat(AT_FDCWD, name, flags, mode);
}

SHIM_API int open64(const char *name, int flags, ...)
{
	mode_t mode = 0;

	TAKE_MODE(mode, flags);
	return do_openat(AT_FDCWD, name, flags, mode);
}

SHIM_API int openat(int dirfd, const char *name, int flags, ...)
{
	mode_t mode = 0;

	TAKE_MODE(mode, flags);
	return do_openat(dirfd, name, flags, mode);
}

SHIM_API int openat64(int dirfd, const char *name, int flags, ...)
{
	mode_t mode = 0;

	TAKE_MODE(mode, flags);
	return do_openat(dirfd, name, flags, mode);
}

SHIM_API int __open_2(const char *name, int flags)
{
	return do_openat(AT_FDCWD, name, flags, 0);
}

SHIM_API int __open64_2(const char *name, int flags)
{
	return do_openat(AT_FDCWD, name, flags, 0);
}

SHIM_API int __openat_2(int dirfd, const char *name, int flags)
{
	return do_openat(dirfd, name, flags, 0);
}

SHIM_API int __openat64_2(int dirfd, const char *name, int flags)
{
	return do_openat(dirfd, name, flags, 0);
}

SHIM_API int creat(const char *name, mode_t mode)
{
	return do_openat(AT_FDCWD, name, O_WRONLY | O_CREAT | O_TRUNC, mode);
}

SHIM_API int creat64(const char *name, mode_t mode)
{
	return do_openat(AT_FDCWD, name, O_WRONLY | O_CREAT | O_TRUNC, mode);
}

static FILE *do_fopen(const char *name, const char *mode)
{
	struct path path;
	FILE *file;
	int fd;

	path_look(&path, AT_FDCWD, name);
	if (path.kind == PATH_PLAIN || path.kind == PATH_TREE)
		return real()->fopen(path.name, mode);
	fd = result(open_special(&path, strchr(mode, 'e') != NULL ? O_CLOEXEC : 0, 0));
	if (fd < 0)
		return NULL;
	file = fdopen(fd, mode);
	if (file == NULL)
		close(fd);
	return file;
}

SHIM_API FILE *fopen(const char *name, const char *mode)
{
	return do_fopen(name, mode);
}

SHIM_API FILE *fopen64(const char *name, const char *mode)
{
	return do_fopen(name, mode);
}
