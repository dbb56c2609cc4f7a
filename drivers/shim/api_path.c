/* SPDX-License-Identifier: MIT */
/* The functions that ask about a name, or look into a folder. */
#include "drivers/shim/path.h"
#include "drivers/shim/real.h"
#include "drivers/shim/world.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/xattr.h>
#include <unistd.h>

/* Those that only programs with checks compiled in call; no header has them. */
SHIM_API ssize_t __readlink_chk(const char *name, char *buffer, size_t size, size_t room);
SHIM_API ssize_t __readlinkat_chk(int dirfd, const char *name, char *buffer, size_t size,
				  size_t room);
SHIM_API char *__realpath_chk(const char *name, char *resolved, size_t room);

SHIM_API int access(const char *name, int mode)
{
	struct path path;

	path_look(&path, AT_FDCWD, name);
	return real()->access(path.name, mode);
}

SHIM_API int euidaccess(const char *name, int mode)
{
	struct path path;

	path_look(&path, AT_FDCWD, name);
	return real()->euidaccess(path.name, mode);
}

SHIM_API int eaccess(const char *name, int mode)
{
	return euidaccess(name, mode);
}

SHIM_API int faccessat(int dirfd, const char *name, int mode, int flags)
{
	struct path path;

	path_look(&path, dirfd, name);
	return real()->faccessat(dirfd, path.name, mode, flags);
}

SHIM_API int chmod(const char *name, mode_t mode)
{
	struct path path;

	path_look(&path, AT_FDCWD, name);
	return real()->chmod(path.name, mode);
}

SHIM_API int fchmodat(int dirfd, const char *name, mode_t mode, int flags)
{
	struct path path;

	path_look(&path, dirfd, name);
	return real()->fchmodat(dirfd, path.name, mode, flags);
}

SHIM_API int chown(const char *name, uid_t owner, gid_t group)
{
	struct path path;

	path_look(&path, AT_FDCWD, name);
	return real()->chown(path.name, owner, group);
}

SHIM_API ssize_t getxattr(const char *name, const char *key, void *value, size_t size)
{
	struct path path;

	path_look(&path, AT_FDCWD, name);
	return real()->getxattr(path.name, key, value, size);
}

SHIM_API ssize_t lgetxattr(const char *name, const char *key, void *value, size_t size)
{
	struct path path;

	path_look(&path, AT_FDCWD, name);
	return real()->lgetxattr(path.name, key, value, size);
}

/* As much as there is room for, as readlink() does it. */
static ssize_t give(const char *name, char *buffer, size_t size)
{
	size_t length = strlen(name);

	if (length > size)
		length = size;
	memcpy(buffer, name, length);
	return (ssize_t)length;
}

static ssize_t do_readlinkat(int dirfd, const char *name, char *buffer, size_t size)
{
	char target[PATH_MAX];
	struct path path;
	ssize_t length;

	path_look(&path, dirfd, name);
	if (path.kind == PATH_PLAIN || size == 0)
		return real()->readlinkat(dirfd, path.name, buffer, size);
	if (path.kind == PATH_FD && path_of_fd(path.fd, target, sizeof(target)))
		return give(target, buffer, size);
	length = real()->readlink(path.name, target, sizeof(target) - 1);
	if (length < 0)
		return -1;
	target[length] = '\0';
	(void)path_strip_tree(target, (size_t)length);
	return give(target, buffer, size);
}

SHIM_API ssize_t readlink(const char *name, char *buffer, size_t size)
{
	return do_readlinkat(AT_FDCWD, name, buffer, size);
}

SHIM_API ssize_t readlinkat(int dirfd, const char *name, char *buffer, size_t size)
{
	return do_readlinkat(dirfd, name, buffer, size);
}

SHIM_API ssize_t __readlink_chk(const char *name, char *buffer, size_t size, size_t room)
{
	if (size > room)
		abort();
	return do_readlinkat(AT_FDCWD, name, buffer, size);
}

SHIM_API ssize_t __readlinkat_chk(int dirfd, const char *name, char *buffer, size_t size,
				  size_t room)
{
	if (size > room)
		abort();
	return do_readlinkat(dirfd, name, buffer, size);
}

SHIM_API char *realpath(const char *name, char *resolved)
{
	char target[PATH_MAX];
	struct path path;

	path_look(&path, AT_FDCWD, name);
	if (path.kind == PATH_PLAIN)
		return real()->realpath(name, resolved);
	if (path.kind != PATH_FD || !path_of_fd(path.fd, target, sizeof(target))) {
		if (real()->realpath(path.name, target) == NULL)
			return NULL;
		(void)path_strip_tree(target, strlen(target));
	}
	if (resolved == NULL)
		return strdup(target);
	return strcpy(resolved, target);
}

SHIM_API char *__realpath_chk(const char *name, char *resolved, size_t room)
{
	if (room < PATH_MAX)
		abort();
	return realpath(name, resolved);
}

SHIM_API char *canonicalize_file_name(const char *name)
{
	return realpath(name, NULL);
}

SHIM_API DIR *opendir(const char *name)
{
	struct path path;
	DIR *dir;

	path_look(&path, AT_FDCWD, name);
	dir = real()->opendir(path.name);
	if (dir != NULL && path.kind == PATH_TREE)
		fd_set_kind(dirfd(dir), FD_TREE);
	return dir;
}

/* In /dev/dri all files are devices; elsewhere no file of the tree is named like them. */
static void fix_entry(struct dirent *entry)
{
	struct front_node node;

	if (entry->d_type == DT_REG && front_node_find(world_options(), entry->d_name, &node))
		entry->d_type = DT_CHR;
}

SHIM_API struct dirent *readdir(DIR *dir)
{
	struct dirent *entry = real()->readdir(dir);

	if (entry != NULL && fd_kind(dirfd(dir)) == FD_TREE)
		fix_entry(entry);
	return entry;
}

SHIM_API struct dirent64 *readdir64(DIR *dir)
{
	return (struct dirent64 *)readdir(dir);
}

/* Of the scandir() of this thread. */
static __thread shim_dirent_filter the_filter;

static int filter_fixed(const struct dirent *entry)
{
	fix_entry((struct dirent *)(uintptr_t)entry);
	return the_filter == NULL || the_filter(entry) != 0;
}

SHIM_API int scandir(const char *name, struct dirent ***ret_entries, shim_dirent_filter filter,
		     shim_dirent_compare compare)
{
	shim_dirent_filter outer = the_filter;
	struct path path;
	int ret;

	path_look(&path, AT_FDCWD, name);
	if (path.kind == PATH_PLAIN)
		return real()->scandir(name, ret_entries, filter, compare);
	the_filter = filter;
	ret = real()->scandir(path.name, ret_entries, filter_fixed, compare);
	the_filter = outer;
	return ret;
}

SHIM_API int scandir64(const char *name, struct dirent64 ***ret_entries,
		       int (*filter)(const struct dirent64 *),
		       int (*compare)(const struct dirent64 **, const struct dirent64 **))
{
	return scandir(name, (struct dirent ***)ret_entries, (shim_dirent_filter)filter,
		       (shim_dirent_compare)compare);
}
