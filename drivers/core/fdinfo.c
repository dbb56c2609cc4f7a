/* SPDX-License-Identifier: MIT */
/* What /proc/PID/fdinfo/FD says of an open device, in the kernel's "drm usage stats" format. */
#include "drivers/core/core.h"

#include "lockset/wwr_atomic.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

size_t core_file_fdinfo(struct core_file *file, char *ret_text, size_t size_bytes)
{
	const struct core_driver *driver = file->device->driver;
	/* Relaxed: a sum that orders nothing. */
	uint64_t num_bytes = wwr_atomic_load(&file->num_bytes, WWR_RELAXED);
	char name[CORE_NAME_BYTES];
	int length;

	pthread_mutex_lock(&file->lock);
	memcpy(name, file->name, sizeof(name));
	pthread_mutex_unlock(&file->lock);
	length =
	    snprintf(ret_text, size_bytes,
		     "drm-driver:\t%s\n"
		     "drm-client-id:\t%" PRIu64 "\n"
		     "%s%s%s"
		     "drm-pdev:\t%s\n"
		     "drm-total-memory:\t%" PRIu64 " KiB\n",
		     driver->name, file->client_id, name[0] != '\0' ? "drm-client-name:\t" : "",
		     name, name[0] != '\0' ? "\n" : "", driver->unique, num_bytes / 1024);
	return length > 0 ? (size_t)length : 0;
}
