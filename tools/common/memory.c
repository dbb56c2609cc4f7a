/* SPDX-License-Identifier: MIT */
#include "tools/common/memory.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>

/* The first number of a file, as it stands there. */
static bool read_number(const char *path, uint64_t *ret_number)
{
	FILE *file = fopen(path, "re");
	bool found;

	if (file == NULL)
		return false;
	found = fscanf(file, "%" SCNu64, ret_number) == 1;
	fclose(file);
	return found;
}

static uint64_t machine_bytes(void)
{
	uint64_t kib = UINT64_MAX / 1024;
	char line[128];
	FILE *file;

	file = fopen("/proc/meminfo", "re");
	while (file != NULL && fgets(line, sizeof(line), file) != NULL) {
		if (sscanf(line, "MemAvailable: %" SCNu64, &kib) == 1)
			break;
	}
	if (file != NULL)
		fclose(file);
	return kib > UINT64_MAX / 1024 ? UINT64_MAX : kib * 1024;
}

/* What a control group leaves; "max" is no number, so no limit. */
static uint64_t group_bytes(const char *limit_path, const char *used_path)
{
	uint64_t limit, used;

	if (!read_number(limit_path, &limit) || !read_number(used_path, &used))
		return UINT64_MAX;
	return limit > used ? limit - used : 0;
}

uint64_t memory_available_bytes(void)
{
	const uint64_t sources[] = {
	    machine_bytes(),
	    group_bytes("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory.current"),
	    group_bytes("/sys/fs/cgroup/memory/memory.limit_in_bytes",
			"/sys/fs/cgroup/memory/memory.usage_in_bytes"),
	};
	uint64_t least = UINT64_MAX;

	for (unsigned int i = 0; i < sizeof(sources) / sizeof(sources[0]); i++) {
		if (sources[i] < least)
			least = sources[i];
	}
	return least;
}
