/* SPDX-License-Identifier: MIT */
/* One open device in several hands: copies, children, sockets, threads. */
#include "tests/shim/client.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>
#include <xf86drm.h>

#define NUM_THREADS 4
#define NUM_ROUNDS  300

static bool knows(int fd, uint32_t handle)
{
	struct drm_mode_map_dumb map = {.handle = handle};

	return drmIoctl(fd, DRM_IOCTL_MODE_MAP_DUMB, &map) == 0;
}

static int open_again(int fd)
{
	char name[64];

	snprintf(name, sizeof(name), "/proc/self/fd/%d", fd);
	return open(name, O_RDWR | O_CLOEXEC);
}

static void check_copies(void)
{
	int fd = client_open("vgem", true);
	int by_dup = dup(fd);
	int by_dup3 = dup3(fd, 200, O_CLOEXEC);
	int by_fcntl = fcntl(fd, F_DUPFD_CLOEXEC, 100);
	int other = client_open("vgem", true);
	int again = open_again(fd);
	struct client_buffer buffer;

	tap_ok(client_buffer_create(fd, &buffer), "a buffer");
	tap_ok(knows(by_dup, buffer.handle) && knows(by_dup3, buffer.handle) &&
		   knows(by_fcntl, buffer.handle),
	       "a copy of the descriptor has it");
	tap_ok(by_fcntl >= 100 && (fcntl(by_fcntl, F_GETFD) & FD_CLOEXEC) != 0, "as was asked");
	tap_ok(!knows(other, buffer.handle), "another open has not");
	tap_ok(again >= 0 && !knows(again, buffer.handle), "nor an open by way of /proc");
	close(fd);
	tap_ok(knows(by_dup, buffer.handle), "the last copy keeps it");
	tap_ok(!knows(fd, buffer.handle) && errno == EBADF, "the closed number has nothing");
	tap_ok(dup2(other, by_dup) == by_dup && !knows(by_dup, buffer.handle),
	       "dup2() puts another file in its place");
	tap_ok(buffer.bytes[0] == 0 && knows(by_dup3, buffer.handle),
	       "while a third copy is there");
	munmap(buffer.bytes, buffer.size_bytes);
	tap_ok(close_range((unsigned int)again, ~0u, 0) == 0 && !knows(by_dup3, buffer.handle) &&
		   errno == EBADF,
	       "close_range() closes it");
	close(other);
	close(by_dup);
}

static bool send_fd(int socket, int fd)
{
	union {
		struct cmsghdr header;
		char bytes[CMSG_SPACE(sizeof(int))];
	} control = {.bytes = ""};
	char byte = 0;
	struct iovec data = {&byte, 1};
	struct msghdr message = {.msg_iov = &data,
				 .msg_iovlen = 1,
				 .msg_control = &control,
				 .msg_controllen = sizeof(control)};
	struct cmsghdr *part = CMSG_FIRSTHDR(&message);

	part->cmsg_level = SOL_SOCKET;
	part->cmsg_type = SCM_RIGHTS;
	part->cmsg_len = CMSG_LEN(sizeof(fd));
	memcpy(CMSG_DATA(part), &fd, sizeof(fd));
	return sendmsg(socket, &message, 0) == 1;
}

static int receive_fd(int socket)
{
	union {
		struct cmsghdr header;
		char bytes[CMSG_SPACE(sizeof(int))];
	} control = {.bytes = ""};
	char byte = 0;
	struct iovec data = {&byte, 1};
	struct msghdr message = {.msg_iov = &data,
				 .msg_iovlen = 1,
				 .msg_control = &control,
				 .msg_controllen = sizeof(control)};
	int fd = -1;

	if (recvmsg(socket, &message, MSG_CMSG_CLOEXEC) != 1 || CMSG_FIRSTHDR(&message) == NULL)
		return -1;
	memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof(fd));
	return fd;
}

static void check_socket(void)
{
	int fd = client_open("wwrmock", true);
	struct client_buffer buffer;
	int ends[2], got, shared = -1, got_shared;
	uint32_t handle = 0;

	tap_ok(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0 &&
		   client_buffer_create(fd, &buffer),
	       "a socket and a buffer");
	drmPrimeHandleToFD(fd, buffer.handle, DRM_CLOEXEC | DRM_RDWR, &shared);
	tap_ok(send_fd(ends[0], fd) && send_fd(ends[0], shared), "descriptors go in");
	munmap(buffer.bytes, buffer.size_bytes);
	close(fd);
	close(shared);
	got = receive_fd(ends[1]);
	got_shared = receive_fd(ends[1]);
	tap_ok(got >= 0 && knows(got, buffer.handle), "nothing ends while they are on their way");
	tap_ok(drmPrimeFDToHandle(got, got_shared, &handle) == 0 && handle == buffer.handle,
	       "the dma-buf is known, too");
	close(got);
	close(got_shared);
	close(ends[0]);
	close(ends[1]);
}

/* Returns what the child says: 0 is all well. */
static int run_child(int fd, const struct client_buffer *buffer)
{
	struct client_buffer own;
	int other;

	if (!knows(fd, buffer->handle) || buffer->bytes[0] != 1)
		return 1;
	buffer->bytes[1] = 2;
	if (!client_buffer_create(fd, &own))
		return 2;
	client_buffer_destroy(&own);
	other = client_open("vgem", true);
	if (other < 0 || !client_buffer_create(other, &own))
		return 3;
	client_buffer_destroy(&own);
	return close(other) == 0 && close(fd) == 0 ? 0 : 4;
}

/* The last descriptor of a mock GPU is a child's, whose jobs no thread would run. */
static void check_orphan(void)
{
	int fd = client_open("wwrmock", true);
	uint64_t block[8] = {0};
	struct client_buffer buffer;
	int status = -1;
	int gate[2];
	char byte;
	pid_t pid;

	tap_ok(client_buffer_create(fd, &buffer) && pipe(gate) == 0, "a buffer of the mock GPU");
	pid = fork();
	if (pid == 0) {
		/* Until the parent has closed all of it. */
		close(gate[1]);
		(void)!read(gate[0], &byte, 1);
		bool ok = knows(fd, buffer.handle) &&
			  drmIoctl(fd, DRM_IOWR(DRM_COMMAND_BASE, uint64_t[8]), block) != 0 &&
			  errno == ENODEV;

		_exit(close(fd) == 0 && ok ? 0 : 1);
	}
	client_buffer_destroy(&buffer);
	close(fd);
	close(gate[0]);
	close(gate[1]);
	tap_ok(waitpid(pid, &status, 0) == pid && status == 0, "a child may look, not submit");
}

static void *churn(void *arg)
{
	int fd = *(int *)arg;
	struct client_buffer buffer;
	intptr_t bad = 0;

	for (int i = 0; i < NUM_ROUNDS; i++) {
		if (!client_buffer_create(fd, &buffer))
			bad++;
		else
			client_buffer_destroy(&buffer);
	}
	return (void *)bad;
}

static void check_children(void)
{
	int fd = client_open("vgem", true);
	struct client_buffer buffer;
	pthread_t thread;
	int bad = 0;
	void *bad_rounds;

	tap_ok(client_buffer_create(fd, &buffer), "a buffer for children");
	buffer.bytes[0] = 1;
	pthread_create(&thread, NULL, churn, &fd);
	for (int i = 0; i < 20; i++) {
		pid_t pid = fork();
		int status = -1;

		if (pid == 0)
			_exit(run_child(fd, &buffer));
		if (waitpid(pid, &status, 0) != pid || status != 0)
			bad++;
	}
	pthread_join(thread, &bad_rounds);
	tap_ok(bad == 0, "children share the file while a thread uses it (%d do not)", bad);
	tap_ok(bad_rounds == NULL, "and the thread does not mind");
	tap_ok(buffer.bytes[1] == 2, "their bytes are in the buffer");
	tap_ok(knows(fd, buffer.handle), "which outlives them");
	client_buffer_destroy(&buffer);
	close(fd);
}

static void *use_and_close(void *arg)
{
	int fd = *(int *)arg;
	intptr_t bad = 0;

	for (int i = 0; i < NUM_ROUNDS; i++) {
		int copy = dup(fd);
		int own = client_open("wwrmock", true);
		struct client_buffer buffer;

		if (copy < 0 || !client_buffer_create(copy, &buffer))
			bad++;
		else
			client_buffer_destroy(&buffer);
		if (!client_buffer_create(own, &buffer))
			bad++;
		else
			munmap(buffer.bytes, buffer.size_bytes);
		close(own);
		close(copy);
	}
	return (void *)bad;
}

/* Handles are guessed and closed by all of them: whoever made one may find it gone. */
static void *guess(void *arg)
{
	int fd = *(int *)arg;

	for (uint32_t i = 0; i < NUM_ROUNDS; i++) {
		struct drm_mode_create_dumb dumb = {.width = 8, .height = 8, .bpp = 32};
		struct drm_gem_close gem = {.handle = i % 16 + 1};

		(void)drmIoctl(fd, DRM_IOCTL_MODE_CREATE_DUMB, &dumb);
		(void)drmIoctl(fd, DRM_IOCTL_GEM_CLOSE, &gem);
		gem.handle = dumb.handle;
		(void)drmIoctl(fd, DRM_IOCTL_GEM_CLOSE, &gem);
	}
	return NULL;
}

static bool run_threads(void *(*work)(void *), int fd)
{
	pthread_t threads[NUM_THREADS];
	bool good = true;

	for (int i = 0; i < NUM_THREADS; i++)
		pthread_create(&threads[i], NULL, work, &fd);
	for (int i = 0; i < NUM_THREADS; i++) {
		void *bad;

		pthread_join(threads[i], &bad);
		good = good && bad == NULL;
	}
	return good;
}

static void check_threads(void)
{
	unsigned int before = client_count_fds();
	int fd = client_open("vgem", true);

	tap_ok(run_threads(use_and_close, fd), "threads copy, open, use and close");
	tap_ok(run_threads(guess, fd), "threads close each other's handles");
	close(fd);
	tap_ok(client_count_fds() == before, "no descriptor is left");
}

/* Two copies of one file, closed by two threads at once: it ends exactly once. */
static void *close_it(void *arg)
{
	return (void *)(intptr_t)close(*(int *)arg);
}

static void check_closing_race(void)
{
	unsigned int before = client_count_fds();
	bool good = true;

	for (int i = 0; i < NUM_ROUNDS; i++) {
		int fds[2] = {client_open("vgem", true), -1};
		struct client_buffer buffer;
		pthread_t threads[2];

		fds[1] = dup(fds[0]);
		good = good && client_buffer_create(fds[0], &buffer);
		munmap(buffer.bytes, buffer.size_bytes);
		for (int j = 0; j < 2; j++)
			pthread_create(&threads[j], NULL, close_it, &fds[j]);
		for (int j = 0; j < 2; j++) {
			void *ret;

			pthread_join(threads[j], &ret);
			good = good && ret == NULL;
		}
	}
	tap_ok(good, "two threads close the two copies of a file");
	tap_ok(client_count_fds() == before, "which ends each time");
}

/* More than fit into one question, closed from the middle. */
static void check_many(void)
{
	unsigned int before = client_count_fds();
	struct client_buffer buffer;
	int fds[NUM_ROUNDS];
	bool good = true;

	for (int i = 0; i < NUM_ROUNDS; i++)
		fds[i] = open("/dev/dri/renderD128", O_RDWR | O_CLOEXEC);
	for (int i = 0; i < NUM_ROUNDS; i += 2)
		close(fds[i]);
	for (int i = 1; i < NUM_ROUNDS; i += 2) {
		good = good && client_buffer_create(fds[i], &buffer);
		client_buffer_destroy(&buffer);
		good = close(fds[i]) == 0 && good;
	}
	tap_ok(good, "hundreds of open devices");
	tap_ok(client_count_fds() == before, "which all end");
}

int main(void)
{
	tap_plan(28);
	check_copies();
	check_socket();
	check_orphan();
	check_children();
	check_threads();
	check_closing_race();
	check_many();
	return tap_exit();
}
