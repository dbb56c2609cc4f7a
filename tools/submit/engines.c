/* SPDX-License-Identifier: MIT */
#include "tools/submit/engines.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include <wwresv/device.h>

#include "tools/common/cli.h"

#define MAX_ITEM 64

static_assert((int)WSIM_NUM_CLASSES == (int)WWR_NUM_ENGINE_CLASSES &&
		  (int)WSIM_RCS == (int)WWR_ENGINE_RCS && (int)WSIM_BCS == (int)WWR_ENGINE_BCS &&
		  (int)WSIM_VCS == (int)WWR_ENGINE_VCS && (int)WSIM_VECS == (int)WWR_ENGINE_VECS &&
		  (int)WSIM_CCS == (int)WWR_ENGINE_CCS,
	      "a class of the descriptor is a class of the mock");

struct wsim_engine_counts engines_default(void)
{
	struct wsim_engine_counts counts = {
	    .count =
		{[WSIM_RCS] = 1, [WSIM_BCS] = 1, [WSIM_VCS] = 2, [WSIM_VECS] = 1, [WSIM_CCS] = 1},
	};

	return counts;
}

static int find_class(const char *option, const char *name, unsigned int *ret_class)
{
	unsigned int i;

	for (i = 0; i < WSIM_NUM_CLASSES; i++) {
		if (strcasecmp(name, wsim_class_name((enum wsim_class)i)) == 0) {
			*ret_class = i;
			return 0;
		}
	}
	cli_error("%s: expected an engine class (rcs, bcs, vcs, vecs or ccs), found '%s'", option,
		  name);
	return -EINVAL;
}

/* seen has a bit for each class that was named. */
static int parse_item(const char *option, char *item, struct wsim_engine_counts *counts,
		      uint32_t *seen)
{
	char *equals = strchr(item, '=');
	char what[MAX_ITEM + 32];
	unsigned int class;
	uint64_t count;

	if (equals == NULL) {
		cli_error("%s: expected CLASS=NUMBER, as in rcs=4, found '%s'", option, item);
		return -EINVAL;
	}
	*equals = '\0';
	if (find_class(option, item, &class) != 0)
		return -EINVAL;
	if ((*seen & 1u << class) != 0) {
		cli_error("%s: expected each class once, found '%s' again", option, item);
		return -EINVAL;
	}
	*seen |= 1u << class;
	snprintf(what, sizeof(what), "%s: %s", option, item);
	if (cli_parse_u64(what, equals + 1, 1, WWR_MAX_ENGINES, &count) != 0)
		return -EINVAL;
	counts->count[class] = (uint32_t)count;
	return 0;
}

static int check_sum(const char *option, const struct wsim_engine_counts *counts)
{
	uint32_t sum = 0;
	unsigned int i;

	for (i = 0; i < WSIM_NUM_CLASSES; i++)
		sum += counts->count[i];
	if (sum <= WWR_MAX_ENGINES)
		return 0;
	cli_error("%s: expected at most %u engines of all classes together, found %u", option,
		  WWR_MAX_ENGINES, sum);
	return -EINVAL;
}

int engines_parse(const char *option, const char *value, struct wsim_engine_counts *counts)
{
	char item[MAX_ITEM];
	uint32_t seen = 0;
	size_t len;

	for (;;) {
		len = strcspn(value, ",");
		snprintf(item, sizeof(item), "%.*s", (int)(len < MAX_ITEM ? len : MAX_ITEM), value);
		if (parse_item(option, item, counts, &seen) != 0)
			return -EINVAL;
		if (value[len] == '\0')
			return check_sum(option, counts);
		value += len + 1;
	}
}
