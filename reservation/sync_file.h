/* SPDX-License-Identifier: MIT */
#ifndef RESERVATION_SYNC_FILE_H
#define RESERVATION_SYNC_FILE_H

#include <stdbool.h>

struct carrier_info;
struct wwr_fence;

/*
 * As wwr_sync_file_create(), with a name of up to WWR_SYNC_NAME_BYTES - 1 bytes; NULL = it is made
 * from the fence when somebody asks.
 */
int sync_file_create(struct wwr_fence *fence, const char *name, int *ret_fd);

/* Is it under a sync_file? */
bool sync_file_has_carrier(const struct carrier_info *info);

/* As wwr_sync_file_get_fence(), with the name; "" = none was given. */
int sync_file_get(int fd, struct wwr_fence **ret_fence, char *ret_name);

#endif /* RESERVATION_SYNC_FILE_H */
