/* SPDX-License-Identifier: MIT */
#ifndef RESERVATION_SYNC_FILE_CARRIER_H
#define RESERVATION_SYNC_FILE_CARRIER_H

#include <stdbool.h>
#include <stdint.h>

/*
 * The eventfds under sync_files.  All eventfds have one inode, but each has a number of its own,
 * in /proc/self/fdinfo, as long as it is open anywhere.
 *
 * An eventfd whose last descriptor in this process is closed may still come back over a socket,
 * and its number may go to another one when it is closed everywhere.  So its count, once it has
 * signalled, is a mark that nobody else writes; and an epoll set, which forgets files by itself,
 * says which ones are still open.
 */

/* Reads that a signalled sync_file survives; the rest of its count is the mark. */
#define CARRIER_READ_BITS 20

/* What /proc says about an eventfd. */
struct carrier_info {
	uint64_t id;
	uint64_t mark; /* its count without the bits for reads */
};

/* A new eventfd, not readable; -errno. */
int carrier_create(int *ret_fd, uint64_t *ret_id);

/* 0, -EBADF, -EINVAL for what is no eventfd, -EMFILE, -ENFILE, -ENOMEM, -EOPNOTSUPP. */
int carrier_read(int fd, struct carrier_info *ret_info);

/* A mark for a new eventfd. */
uint64_t carrier_new_mark(void);

/* Make it readable for good. */
void carrier_signal(int fd, uint64_t mark);

/* Have an epoll set remember the eventfd, by its id, until it is closed everywhere. */
int carrier_watch(int epoll_fd, int fd, uint64_t id);

/* Calls fn for the id of each file that the epoll set remembers. */
int carrier_for_each_watched(int epoll_fd, void (*fn)(uint64_t id, void *arg), void *arg);

#endif /* RESERVATION_SYNC_FILE_CARRIER_H */
