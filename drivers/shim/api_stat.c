/* SPDX-License-Identifier: MIT */
/* The functions that tell what a file is.  struct stat and stat64 are one where this is built. */
#include "drivers/shim/path.h"
#include "drivers/shim/real.h"
#include "drivers/shim/world.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/sysmacros.h>
#include <unistd.h>

_Static_assert(sizeof(struct stat) == sizeof(struct stat64), "one layout for both");

/* What programs call that were linked with a C library before 2.33. */
SHIM_API int __xstat(int version, const char *name, struct stat *status);
SHIM_API int __lxstat(int version, const char *name, struct stat *status);
SHIM_API int __fxstat(int version, int fd, struct stat *status);
SHIM_API int __fxstatat(int version, int dirfd, const char *name, struct stat *status, int flags);
SHIM_API int __xstat64(int version, const char *name, struct stat64 *status);
SHIM_API int __lxstat64(int version, const char *name, struct stat64 *status);
SHIM_API int __fxstat64(int version, int fd, struct stat64 *status);
SHIM_API int __fxstatat64(int version, int dirfd, const char *name, struct stat64 *status,
			  int flags);

/* An open file is what its node is; what else it may be says the status that is there. */
static void fix_fd(int fd, struct stat *status)
{
	struct open_ref ref;

	if (S_ISREG(status->st_mode) && fd_kind(fd) == FD_TREE)
		(void)world_fix_stat(status);
	if (!S_ISFIFO(status->st_mode) || !open_file_find(fd, &ref))
		return;
	if (ref.drm != NULL && world_stat_node(ref.node, status) == 0)
		(void)world_fix_stat(status);
	else
		status->st_mode = (status->st_mode & ~(mode_t)S_IFMT) | S_IFCHR;
	open_ref_put(&ref);
}

static int do_fstat(int fd, struct stat *status)
{
	int ret = real()->fstat(fd, status);

	if (ret == 0 && fd_is_any())
		fix_fd(fd, status);
	return ret;
}

static int do_fstatat(int dirfd, const char *name, struct stat *status, int flags)
{
	struct path path;
	int ret;

	if (name != NULL && name[0] == '\0' && (flags & AT_EMPTY_PATH) != 0 && dirfd >= 0)
		return do_fstat(dirfd, status);
	path_look(&path, dirfd, name);
	if (path.kind == PATH_FD && (flags & AT_SYMLINK_NOFOLLOW) == 0)
		return do_fstat(path.fd, status);
	ret = real()->fstatat(dirfd, path.name, status, flags);
	if (ret == 0 && path.kind != PATH_PLAIN)
		(void)world_fix_stat(status);
	return ret;
}

SHIM_API int stat(const char *name, struct stat *status)
{
	return do_fstatat(AT_FDCWD, name, status, 0);
}

SHIM_API int stat64(const char *name, struct stat64 *status)
{
	return do_fstatat(AT_FDCWD, name, (struct stat *)status, 0);
}

SHIM_API int lstat(const char *name, struct stat *status)
{
	return do_fstatat(AT_FDCWD, name, status, AT_SYMLINK_NOFOLLOW);
}

SHIM_API int lstat64(const char *name, struct stat64 *status)
{
	return do_fstatat(AT_FDCWD, name, (struct stat *)status, AT_SYMLINK_NOFOLLOW);
}

SHIM_API int fstat(int fd, struct stat *status)
{
	return do_fstat(fd, status);
}

SHIM_API int fstat64(int fd, struct stat64 *status)
{
	return do_fstat(fd, (struct stat *)status);
}

SHIM_API int fstatat(int dirfd, const char *name, struct stat *status, int flags)
{
	return do_fstatat(dirfd, name, status, flags);
}

SHIM_API int fstatat64(int dirfd, const char *name, struct stat64 *status, int flags)
{
	return do_fstatat(dirfd, name, (struct stat *)status, flags);
}

SHIM_API int __xstat(int version, const char *name, struct stat *status)
{
	(void)version;
	return do_fstatat(AT_FDCWD, name, status, 0);
}

SHIM_API int __xstat64(int version, const char *name, struct stat64 *status)
{
	(void)version;
	return do_fstatat(AT_FDCWD, name, (struct stat *)status, 0);
}

SHIM_API int __lxstat(int version, const char *name, struct stat *status)
{
	(void)version;
	return do_fstatat(AT_FDCWD, name, status, AT_SYMLINK_NOFOLLOW);
}

SHIM_API int __lxstat64(int version, const char *name, struct stat64 *status)
{
	(void)version;
	return do_fstatat(AT_FDCWD, name, (struct stat *)status, AT_SYMLINK_NOFOLLOW);
}

SHIM_API int __fxstat(int version, int fd, struct stat *status)
{
	(void)version;
	return do_fstat(fd, status);
}

SHIM_API int __fxstat64(int version, int fd, struct stat64 *status)
{
	(void)version;
	return do_fstat(fd, (struct stat *)status);
}

SHIM_API int __fxstatat(int version, int dirfd, const char *name, struct stat *status, int flags)
{
	(void)version;
	return do_fstatat(dirfd, name, status, flags);
}

SHIM_API int __fxstatat64(int version, int dirfd, const char *name, struct stat64 *status,
			  int flags)
{
	(void)version;
	return do_fstatat(dirfd, name, (struct stat *)status, flags);
}

/* What differs of a device from what the system says of its stand-in. */
static void fix_statx(const struct stat *status, struct statx *ret_status)
{
	ret_status->stx_mode = (uint16_t)status->st_mode;
	ret_status->stx_rdev_major = major(status->st_rdev);
	ret_status->stx_rdev_minor = minor(status->st_rdev);
	ret_status->stx_ino = status->st_ino;
	ret_status->stx_dev_major = major(status->st_dev);
	ret_status->stx_dev_minor = minor(status->st_dev);
}

SHIM_API int statx(int dirfd, const char *name, int flags, unsigned int mask, struct statx *status)
{
	struct stat known;
	struct path path;
	int ret;

	path_look(&path, dirfd, name);
	ret = real()->statx(dirfd, path.name, flags, mask, status);
	if (ret == 0 && (path.kind != PATH_PLAIN || fd_is_any()) &&
	    (S_ISREG(status->stx_mode) || S_ISFIFO(status->stx_mode)) &&
	    do_fstatat(dirfd, name, &known, flags & (AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH)) == 0 &&
	    S_ISCHR(known.st_mode))
		fix_statx(&known, status);
	return ret;
}
