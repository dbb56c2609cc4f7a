/* SPDX-License-Identifier: MIT */
#include "drivers/front/options.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_WORD_BYTES 64

static const char *const driver_names[FRONT_NUM_DRIVERS] = {
    [FRONT_WWRMOCK] = "wwrmock",
    [FRONT_VGEM] = "vgem",
};

static const char *const engine_names[WWR_NUM_ENGINE_CLASSES] = {
    [WWR_ENGINE_RCS] = "rcs",	[WWR_ENGINE_BCS] = "bcs", [WWR_ENGINE_VCS] = "vcs",
    [WWR_ENGINE_VECS] = "vecs", [WWR_ENGINE_CCS] = "ccs",
};

static const struct {
	const char *name;
	uint32_t bits;
} caps[] = {
    {"DUMB_BUFFER", CORE_CAP_DUMB},
    {"PRIME", CORE_CAP_PRIME_IMPORT | CORE_CAP_PRIME_EXPORT},
    {"PRIME_IMPORT", CORE_CAP_PRIME_IMPORT},
    {"PRIME_EXPORT", CORE_CAP_PRIME_EXPORT},
    {"SYNCOBJ", CORE_CAP_SYNCOBJ},
    {"SYNCOBJ_TIMELINE", CORE_CAP_SYNCOBJ_TIMELINE},
};

#define NUM_CAPS (sizeof(caps) / sizeof(caps[0]))

const char *front_driver_name(enum front_driver driver)
{
	return driver_names[driver];
}

const char *front_engine_name(unsigned int engine_class)
{
	return engine_names[engine_class];
}

const char *front_cap_name(unsigned int index, uint32_t *ret_bits)
{
	if (index >= NUM_CAPS)
		return NULL;
	*ret_bits = caps[index].bits;
	return caps[index].name;
}

void front_options_init(struct front_options *options)
{
	options->num_devices = FRONT_NUM_DRIVERS;
	for (unsigned int i = 0; i < FRONT_NUM_DRIVERS; i++)
		options->drivers[i] = (enum front_driver)i;
	options->caps = CORE_CAP_ALL;
	options->quota = core_default_quota;
	wwr_device_config_init(&options->mock);
}

/* The next word of a list; false = there is none.  A word that is too long is cut: no name is. */
static bool next_word(const char **list, char *ret_word)
{
	size_t length = strcspn(*list, ",");

	if (**list == '\0')
		return false;
	snprintf(ret_word, MAX_WORD_BYTES, "%.*s", (int)length, *list);
	*list += length;
	if (**list == ',')
		(*list)++;
	return true;
}

static int set_cap(struct front_options *options, char *word, char *ret_why, size_t why_bytes)
{
	char *value = strchr(word, '=');

	if (value == NULL || (strcmp(value, "=0") != 0 && strcmp(value, "=1") != 0)) {
		snprintf(ret_why, why_bytes, "capability '%s' is not NAME=0 or NAME=1", word);
		return -EINVAL;
	}
	*value = '\0';
	for (size_t i = 0; i < NUM_CAPS; i++) {
		if (strcmp(caps[i].name, word) != 0)
			continue;
		if (value[1] == '0')
			options->caps &= ~caps[i].bits;
		else
			options->caps |= caps[i].bits;
		/* No timeline without what it is one of. */
		if ((options->caps & CORE_CAP_SYNCOBJ) == 0)
			options->caps &= ~CORE_CAP_SYNCOBJ_TIMELINE;
		return 0;
	}
	snprintf(ret_why, why_bytes,
		 "no capability is named '%s'; there are DUMB_BUFFER, PRIME, PRIME_IMPORT, "
		 "PRIME_EXPORT, SYNCOBJ and SYNCOBJ_TIMELINE",
		 word);
	return -EINVAL;
}

int front_options_set_caps(struct front_options *options, const char *list, char *ret_why,
			   size_t why_bytes)
{
	char word[MAX_WORD_BYTES];
	int ret = 0;

	while (ret == 0 && next_word(&list, word))
		ret = set_cap(options, word, ret_why, why_bytes);
	return ret;
}

static int add_driver(struct front_options *options, const char *word, char *ret_why,
		      size_t why_bytes)
{
	unsigned int found = 0;

	while (found < FRONT_NUM_DRIVERS && strcmp(driver_names[found], word) != 0)
		found++;
	if (found == FRONT_NUM_DRIVERS) {
		snprintf(ret_why, why_bytes, "no driver is named '%s'; there are wwrmock and vgem",
			 word);
		return -EINVAL;
	}
	for (unsigned int i = 0; i < options->num_devices; i++) {
		if (options->drivers[i] == found) {
			snprintf(ret_why, why_bytes, "driver '%s' is there twice", word);
			return -EINVAL;
		}
	}
	options->drivers[options->num_devices++] = (enum front_driver)found;
	return 0;
}

int front_options_set_drivers(struct front_options *options, const char *list, char *ret_why,
			      size_t why_bytes)
{
	char word[MAX_WORD_BYTES];
	int ret = 0;

	options->num_devices = 0;
	while (ret == 0 && next_word(&list, word))
		ret = add_driver(options, word, ret_why, why_bytes);
	return ret;
}

static int set_quota(struct core_quota *quota, char *word, char *ret_why, size_t why_bytes)
{
	char *value = strchr(word, '=');
	uint64_t number = 0;
	char *end = NULL;

	if (value != NULL && value[1] >= '0' && value[1] <= '9') {
		errno = 0;
		number = strtoull(value + 1, &end, 10);
	}
	if (end == NULL || *end != '\0' || errno != 0) {
		snprintf(ret_why, why_bytes, "quota '%s' is not NAME=NUMBER", word);
		return -EINVAL;
	}
	*value = '\0';
	if (strcmp(word, "buffers") == 0 && number <= core_default_quota.max_buffers) {
		quota->max_buffers = (uint32_t)number;
	} else if (strcmp(word, "syncobjs") == 0 && number <= core_default_quota.max_syncobjs) {
		quota->max_syncobjs = (uint32_t)number;
	} else if (strcmp(word, "bytes") == 0 && number <= core_default_quota.max_bytes) {
		quota->max_bytes = number;
	} else {
		snprintf(ret_why, why_bytes,
			 "quota '%s=%s' is none of buffers=0..%u, syncobjs=0..%u, bytes=0..%llu",
			 word, value + 1, core_default_quota.max_buffers,
			 core_default_quota.max_syncobjs,
			 (unsigned long long)core_default_quota.max_bytes);
		return -EINVAL;
	}
	return 0;
}

int front_options_set_quota(struct front_options *options, const char *list, char *ret_why,
			    size_t why_bytes)
{
	char word[MAX_WORD_BYTES];
	int ret = 0;

	while (ret == 0 && next_word(&list, word))
		ret = set_quota(&options->quota, word, ret_why, why_bytes);
	return ret;
}

/* A number that ends with the text; false: it is none. */
static bool parse_number(const char *text, double max, double *ret_number)
{
	char *end;

	if (*text < '0' || *text > '9')
		return false;
	*ret_number = strtod(text, &end);
	return *end == '\0' && *ret_number <= max;
}

/* false: no such name, or no value of it. */
static bool set_mock(struct wwr_device_config *mock, const char *name, const char *value)
{
	double number;

	if (strcmp(name, "touch") == 0) {
		mock->touch_full = strcmp(value, "full") == 0;
		return mock->touch_full || strcmp(value, "head") == 0;
	}
	if (strcmp(name, "scale") == 0)
		return parse_number(value, 1e6, &mock->time_scale);
	for (unsigned int i = 0; i < WWR_NUM_ENGINE_CLASSES; i++) {
		if (strcmp(name, engine_names[i]) != 0)
			continue;
		if (!parse_number(value, WWR_MAX_ENGINES, &number) || number != (uint32_t)number)
			return false;
		mock->num_engines[i] = (uint32_t)number;
		return true;
	}
	return false;
}

/* Together they must be at least one, and not too many. */
static bool engines_are_good(const struct wwr_device_config *mock)
{
	uint32_t num = 0;

	for (unsigned int i = 0; i < WWR_NUM_ENGINE_CLASSES; i++)
		num += mock->num_engines[i];
	return num >= 1 && num <= WWR_MAX_ENGINES;
}

int front_options_set_mock(struct front_options *options, const char *list, char *ret_why,
			   size_t why_bytes)
{
	char word[MAX_WORD_BYTES];

	while (next_word(&list, word)) {
		char *value = strchr(word, '=');

		if (value != NULL)
			*value++ = '\0';
		if (value == NULL || !set_mock(&options->mock, word, value)) {
			snprintf(
			    ret_why, why_bytes,
			    "'%s%s%s' is none of rcs=N, bcs=N, vcs=N, vecs=N, ccs=N (engines), "
			    "scale=X (of durations), touch=head or touch=full",
			    word, value != NULL ? "=" : "", value != NULL ? value : "");
			return -EINVAL;
		}
	}
	if (engines_are_good(&options->mock))
		return 0;
	snprintf(ret_why, why_bytes, "the mock GPU has 1 to %u engines of all classes together",
		 WWR_MAX_ENGINES);
	return -EINVAL;
}

int front_options_read_env(struct front_options *options, char *ret_why, size_t why_bytes)
{
	const char *list;
	int ret = 0;

	front_options_init(options);
	list = getenv(FRONT_ENV_DRIVERS);
	if (list != NULL && *list != '\0')
		ret = front_options_set_drivers(options, list, ret_why, why_bytes);
	list = getenv(FRONT_ENV_CAPS);
	if (ret == 0 && list != NULL)
		ret = front_options_set_caps(options, list, ret_why, why_bytes);
	list = getenv(FRONT_ENV_QUOTA);
	if (ret == 0 && list != NULL)
		ret = front_options_set_quota(options, list, ret_why, why_bytes);
	list = getenv(FRONT_ENV_MOCK);
	if (ret == 0 && list != NULL)
		ret = front_options_set_mock(options, list, ret_why, why_bytes);
	return ret;
}
