/* SPDX-License-Identifier: MIT */
#include "tools/run/program.h"

#include <elf.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* More than any program has; the rest is not looked at. */
#define MAX_HEADERS 64

static int open_in_path(const char *name)
{
	const char *path = getenv("PATH");
	char full[PATH_MAX];

	if (strchr(name, '/') != NULL)
		return open(name, O_RDONLY | O_CLOEXEC);
	while (path != NULL && *path != '\0') {
		int length = (int)strcspn(path, ":");

		if (snprintf(full, sizeof(full), "%.*s/%s", length, path, name) < PATH_MAX &&
		    access(full, X_OK) == 0)
			return open(full, O_RDONLY | O_CLOEXEC);
		path += length;
		path += *path == ':' ? 1 : 0;
	}
	return -1;
}

/* An ELF program for this kind of machine that names no loader. */
static bool is_static(int fd)
{
	Elf64_Phdr headers[MAX_HEADERS];
	Elf64_Ehdr header;
	size_t num;

	if (pread(fd, &header, sizeof(header), 0) != (ssize_t)sizeof(header) ||
	    memcmp(header.e_ident, ELFMAG, SELFMAG) != 0 ||
	    header.e_ident[EI_CLASS] != ELFCLASS64 || header.e_phentsize != sizeof(headers[0]))
		return false;
	num = header.e_phnum < MAX_HEADERS ? header.e_phnum : MAX_HEADERS;
	if (pread(fd, headers, num * sizeof(headers[0]), (off_t)header.e_phoff) !=
	    (ssize_t)(num * sizeof(headers[0])))
		return false;
	for (size_t i = 0; i < num; i++) {
		if (headers[i].p_type == PT_INTERP)
			return false;
	}
	return true;
}

const char *program_refuses_preload(const char *name)
{
	int fd = open_in_path(name);
	const char *why = NULL;
	struct stat status;

	if (fd < 0)
		return NULL;
	if (fstat(fd, &status) == 0 && S_ISREG(status.st_mode)) {
		if (is_static(fd))
			why = "is linked statically";
		else if ((status.st_mode & S_ISUID) != 0 && status.st_uid != getuid())
			why = "runs as another user";
	}
	close(fd);
	return why;
}
