/* SPDX-License-Identifier: MIT */
/* What a client used, in the kernel's "drm usage stats" format. */
#ifndef FDINFO_H
#define FDINFO_H

#include <stddef.h>
#include <stdint.h>

struct run;

/* Room for the text of a client. */
#define FDINFO_BYTES 1024

/* After the run has ended; like snprintf(). */
size_t fdinfo_write(const struct run *run, uint32_t client, char *ret_text, size_t size_bytes);

#endif
