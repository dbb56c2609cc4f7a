/* SPDX-License-Identifier: MIT */
/*
 * A program that leaves behind what its arguments name, for somebody who looks at the report:
 * buffer, sync, dmabuf; child does all in a child.
 */
#include "tests/shim/client.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <xf86drm.h>

static void leave(const char *what)
{
	int fd = client_open("vgem", true);
	struct client_buffer buffer;
	int shared;

	if (strcmp(what, "nothing") == 0) {
		close(fd);
	} else if (strcmp(what, "buffer") == 0) {
		(void)client_buffer_create(fd, &buffer);
	} else if (strcmp(what, "sync") == 0) {
		(void)client_timeline_fence(client_timeline_create(), 1);
		close(fd);
	} else if (strcmp(what, "dmabuf") == 0) {
		(void)client_buffer_create(fd, &buffer);
		(void)drmPrimeHandleToFD(fd, buffer.handle, DRM_CLOEXEC, &shared);
		close(fd);
	}
}

int main(int argc, char **argv)
{
	if (argc == 3 && strcmp(argv[2], "child") == 0) {
		int fd = client_open("vgem", true);
		int status;

		if (fork() == 0) {
			leave(argv[1]);
			_exit(5);
		}
		wait(&status);
		close(fd);
		return WEXITSTATUS(status);
	}
	if (argc == 2)
		leave(argv[1]);
	return 5;
}
