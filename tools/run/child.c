/* SPDX-License-Identifier: MIT */
#include "tools/run/child.h"

#include "tools/common/cli.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

static const int passed_on[] = {SIGHUP,	 SIGINT,  SIGQUIT, SIGTERM, SIGUSR1,
				SIGUSR2, SIGALRM, SIGCONT, SIGWINCH};

#define NUM_PASSED_ON (sizeof(passed_on) / sizeof(passed_on[0]))

static void block_signals(sigset_t *ret_set, sigset_t *ret_old)
{
	sigemptyset(ret_set);
	sigaddset(ret_set, SIGCHLD);
	for (size_t i = 0; i < NUM_PASSED_ON; i++)
		sigaddset(ret_set, passed_on[i]);
	sigprocmask(SIG_BLOCK, ret_set, ret_old);
}

/* In the child.  That the program could not be started comes back as the errno. */
static void child_exec(char **argv, const sigset_t *mask, int error_fd)
{
	int error;

	sigprocmask(SIG_SETMASK, mask, NULL);
	execvp(argv[0], argv);
	error = errno;
	if (write(error_fd, &error, sizeof(error)) < 0)
		_exit(126);
	_exit(127);
}

static int read_error(int error_fd)
{
	int error = 0;
	ssize_t got;

	do {
		got = read(error_fd, &error, sizeof(error));
	} while (got < 0 && errno == EINTR);
	return got == (ssize_t)sizeof(error) ? -error : 0;
}

/* A key of the terminal has reached the program as well. */
static bool has_got_it(const siginfo_t *info)
{
	return (info->si_signo == SIGINT || info->si_signo == SIGQUIT ||
		info->si_signo == SIGWINCH || info->si_signo == SIGHUP) &&
	       info->si_code == SI_KERNEL;
}

static int wait_for(pid_t pid, const sigset_t *set)
{
	siginfo_t info;
	int status;

	for (;;) {
		if (sigwaitinfo(set, &info) < 0)
			continue;
		if (info.si_signo == SIGCHLD) {
			if (waitpid(pid, &status, WNOHANG) == pid)
				return status;
		} else if (!has_got_it(&info)) {
			kill(pid, info.si_signo);
		}
	}
}

int child_run(char **argv, int *ret_status)
{
	sigset_t set, old;
	int ends[2];
	pid_t pid;
	int ret;

	if (pipe2(ends, O_CLOEXEC) != 0)
		return -errno;
	block_signals(&set, &old);
	pid = fork();
	if (pid == 0)
		child_exec(argv, &old, ends[1]);
	ret = pid < 0 ? -errno : 0;
	close(ends[1]);
	if (ret == 0)
		ret = read_error(ends[0]);
	close(ends[0]);
	if (ret == 0)
		*ret_status = wait_for(pid, &set);
	else if (pid > 0)
		(void)waitpid(pid, ret_status, 0);
	sigprocmask(SIG_SETMASK, &old, NULL);
	return ret;
}

int child_exit_code(int status)
{
	const struct rlimit no_core = {0, 0};
	sigset_t set;

	if (WIFEXITED(status))
		return WEXITSTATUS(status);
	setrlimit(RLIMIT_CORE, &no_core);
	signal(WTERMSIG(status), SIG_DFL);
	sigemptyset(&set);
	sigaddset(&set, WTERMSIG(status));
	sigprocmask(SIG_UNBLOCK, &set, NULL);
	raise(WTERMSIG(status));
	return CLI_SIGNAL_BASE + WTERMSIG(status);
}
