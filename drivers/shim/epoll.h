/* SPDX-License-Identifier: MIT */
#ifndef SHIM_EPOLL_H
#define SHIM_EPOLL_H

/* A descriptor that epoll watches, or an epoll, is about to end. */
void epoll_forget(int fd);

/* Around fork(). */
void epoll_lock(void);
void epoll_unlock(void);

#endif /* SHIM_EPOLL_H */
