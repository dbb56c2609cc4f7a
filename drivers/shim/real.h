/* SPDX-License-Identifier: MIT */
#ifndef SHIM_REAL_H
#define SHIM_REAL_H

#include <dirent.h>
#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <sys/uio.h>

/* What this library puts itself before. */
#define SHIM_API __attribute__((visibility("default")))

typedef int (*shim_dirent_filter)(const struct dirent *);
typedef int (*shim_dirent_compare)(const struct dirent **, const struct dirent **);

/* The functions of the C library, one F(type, name, parameters) each. */
#define SHIM_REAL_FUNCTIONS(F)                                                                     \
	F(int, open, (const char *, int, ...))                                                     \
	F(int, openat, (int, const char *, int, ...))                                              \
	F(FILE *, fopen, (const char *, const char *))                                             \
	F(DIR *, opendir, (const char *))                                                          \
	F(struct dirent *, readdir, (DIR *))                                                       \
	F(int, scandir,                                                                            \
	  (const char *, struct dirent ***, shim_dirent_filter, shim_dirent_compare))              \
	F(int, access, (const char *, int))                                                        \
	F(int, euidaccess, (const char *, int))                                                    \
	F(int, faccessat, (int, const char *, int, int))                                           \
	F(ssize_t, readlink, (const char *, char *, size_t))                                       \
	F(ssize_t, readlinkat, (int, const char *, char *, size_t))                                \
	F(char *, realpath, (const char *, char *))                                                \
	F(int, chmod, (const char *, mode_t))                                                      \
	F(int, fchmodat, (int, const char *, mode_t, int))                                         \
	F(int, chown, (const char *, uid_t, gid_t))                                                \
	F(ssize_t, getxattr, (const char *, const char *, void *, size_t))                         \
	F(ssize_t, lgetxattr, (const char *, const char *, void *, size_t))                        \
	F(int, chdir, (const char *))                                                              \
	F(int, fchdir, (int))                                                                      \
	F(char *, get_current_dir_name, (void))                                                    \
	F(char *, getcwd, (char *, size_t))                                                        \
	F(int, stat, (const char *, struct stat *))                                                \
	F(int, lstat, (const char *, struct stat *))                                               \
	F(int, fstat, (int, struct stat *))                                                        \
	F(int, fstatat, (int, const char *, struct stat *, int))                                   \
	F(int, statx, (int, const char *, int, unsigned int, struct statx *))                      \
	F(int, close, (int))                                                                       \
	F(int, close_range, (unsigned int, unsigned int, int))                                     \
	F(int, dup, (int))                                                                         \
	F(int, dup2, (int, int))                                                                   \
	F(int, dup3, (int, int, int))                                                              \
	F(int, fcntl, (int, int, ...))                                                             \
	F(off_t, lseek, (int, off_t, int))                                                         \
	F(ssize_t, read, (int, void *, size_t))                                                    \
	F(ssize_t, readv, (int, const struct iovec *, int))                                        \
	F(ssize_t, write, (int, const void *, size_t))                                             \
	F(ssize_t, writev, (int, const struct iovec *, int))                                       \
	F(int, ioctl, (int, unsigned long, ...))                                                   \
	F(int, ppoll, (struct pollfd *, nfds_t, const struct timespec *, const sigset_t *))        \
	F(int, poll, (struct pollfd *, nfds_t, int))                                               \
	F(int, select, (int, fd_set *, fd_set *, fd_set *, struct timeval *))                      \
	F(int, pselect,                                                                            \
	  (int, fd_set *, fd_set *, fd_set *, const struct timespec *, const sigset_t *))          \
	F(int, epoll_ctl, (int, int, int, struct epoll_event *))                                   \
	F(int, epoll_wait, (int, struct epoll_event *, int, int))                                  \
	F(int, epoll_pwait, (int, struct epoll_event *, int, int, const sigset_t *))               \
	F(int, epoll_pwait2,                                                                       \
	  (int, struct epoll_event *, int, const struct timespec *, const sigset_t *))             \
	F(ssize_t, recvmsg, (int, struct msghdr *, int))                                           \
	F(int, recvmmsg, (int, struct mmsghdr *, unsigned int, int, struct timespec *))            \
	F(void, _exit, (int))

#define SHIM_REAL_FIELD(type, name, parameters) type(*name) parameters;
struct shim_real {
	SHIM_REAL_FUNCTIONS(SHIM_REAL_FIELD)
};
#undef SHIM_REAL_FIELD

/* What comes behind this library; found at the first call. */
const struct shim_real *real(void);

#endif /* SHIM_REAL_H */
