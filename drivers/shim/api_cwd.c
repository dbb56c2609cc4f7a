/* SPDX-License-Identifier: MIT */
/* The folder that relative names begin at may be one of the tree. */
#include "drivers/shim/fds.h"
#include "drivers/shim/path.h"
#include "drivers/shim/real.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* What only programs with checks compiled in call; no header has it. */
SHIM_API char *__getcwd_chk(char *buffer, size_t size, size_t room);

SHIM_API int chdir(const char *name)
{
	struct path path;
	int ret;

	path_look(&path, AT_FDCWD, name);
	ret = real()->chdir(path.name);
	if (ret == 0)
		path_set_cwd(path.kind != PATH_PLAIN);
	return ret;
}

SHIM_API int fchdir(int fd)
{
	int ret = real()->fchdir(fd);

	if (ret == 0)
		path_set_cwd(fd_kind(fd) == FD_TREE);
	return ret;
}

/* The program's buffer need not have room for the folder of the tree. */
SHIM_API char *getcwd(char *buffer, size_t size)
{
	char folder[PATH_MAX];
	size_t length;

	if (!path_cwd_is_in_tree() || real()->getcwd(folder, sizeof(folder)) == NULL)
		return real()->getcwd(buffer, size);
	length = path_strip_tree(folder, strlen(folder));
	if (buffer == NULL)
		return strdup(folder);
	if (length >= size) {
		errno = ERANGE;
		return NULL;
	}
	return memcpy(buffer, folder, length + 1);
}

SHIM_API char *get_current_dir_name(void)
{
	return path_cwd_is_in_tree() ? getcwd(NULL, 0) : real()->get_current_dir_name();
}

SHIM_API char *__getcwd_chk(char *buffer, size_t size, size_t room)
{
	if (size > room)
		abort();
	return getcwd(buffer, size);
}
