/* SPDX-License-Identifier: MIT */
/*
 * What calls cost that have nothing to do with devices.  Run by hand, alone and with the shim:
 *
 *	bench_plain; wwresv run -- bench_plain
 *
 * Prints nanoseconds a call, the best of ten rounds.
 */
#include <fcntl.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define NUM_ROUNDS 10
#define NUM_CALLS  20000

static int pipe_fds[2];

static void open_close(void)
{
	close(open("/dev/null", O_RDONLY));
}

static void stat_path(void)
{
	struct stat st;

	(void)!stat("/etc/passwd", &st);
}

static void read_byte(void)
{
	char byte;

	(void)!write(pipe_fds[1], "x", 1);
	(void)!read(pipe_fds[0], &byte, 1);
}

static void poll_two(void)
{
	struct pollfd fds[2] = {{.fd = pipe_fds[0], .events = POLLIN},
				{.fd = pipe_fds[1], .events = POLLOUT}};

	(void)!poll(fds, 2, 0);
}

static void ask_bytes(void)
{
	int num;

	(void)!ioctl(pipe_fds[0], FIONREAD, &num);
}

static int64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static void measure(const char *name, void (*call)(void))
{
	int64_t best = INT64_MAX;

	for (int round = 0; round < NUM_ROUNDS; round++) {
		const int64_t start = now_ns();

		for (int i = 0; i < NUM_CALLS; i++)
			call();
		if (now_ns() - start < best)
			best = now_ns() - start;
	}
	printf("%-12s %8.0f ns\n", name, (double)best / NUM_CALLS);
}

int main(void)
{
	if (pipe(pipe_fds) != 0) {
		perror("pipe");
		return 1;
	}
	measure("open, close", open_close);
	measure("stat", stat_path);
	measure("write, read", read_byte);
	measure("poll", poll_two);
	measure("ioctl", ask_bytes);
	return 0;
}
