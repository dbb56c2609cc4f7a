/* SPDX-License-Identifier: MIT */
/* `wwresv submit --via libdrm`: what it refuses, and how the tool runs itself again. */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <wwresv/uapi/wwr_drm.h>

#include "tools/common/cli.h"
#include "tools/common/clock.h"
#include "tools/run/front.h"
#include "tools/run/run.h"
#include "tools/submit/via.h"

#define ENV_INNER "WWRESV_SUBMIT_INNER"

struct refusal {
	bool given;
	const char *option;
};

int via_check_options(const struct submit_options *options)
{
	const struct refusal refusals[] = {
	    {options->algorithm != WWR_WOUND_WAIT, "--class"},
	    {options->classic, "--policy"},
	    {options->inject != 0, "--inject"},
	    {options->hold_us != 0, "--hold-us"},
	    {options->sort, "--sort"},
	    {options->break_deps != 0, "--break-dep"},
	    {options->vram_bytes != 0, "--vram"},
	    {options->hang_every != 0, "--hang-every"},
	    {options->slow_every != 0, "--slow-every"},
	    {options->lose_after != 0, "--lose-device-after"},
	    {options->hang_options, "--hang-timeout or --hang-limit"},
	    {options->fdinfo, "--fdinfo"},
	    /* Those before it may imply it. */
	    {options->use_sched, "--sched"},
	};
	size_t i;

	for (i = 0; options->via_libdrm && i < sizeof(refusals) / sizeof(refusals[0]); i++) {
		if (!refusals[i].given)
			continue;
		cli_error("%s is not for --via libdrm: no ioctl of the device has it",
			  refusals[i].option);
		return -EINVAL;
	}
	return 0;
}

static int check_batch(const struct wsim_workload *workload, size_t step)
{
	const struct wsim_batch *batch = &workload->steps[step].batch;
	const size_t num = batch->num_fences + batch->num_submits;

	if (num > WWR_DRM_MAX_SYNCS) {
		cli_error("--via libdrm: step %zu of %s waits for %zu explicit fences, and the "
			  "device takes %d of a job",
			  step, workload->source, num, WWR_DRM_MAX_SYNCS);
		return -EINVAL;
	}
	if (batch->max_us > WWR_DRM_MAX_DURATION_NS / CLOCK_NS_PER_US) {
		cli_error("--via libdrm: step %zu of %s runs for longer than the device lets a job",
			  step, workload->source);
		return -EINVAL;
	}
	return 0;
}

int via_check_workload(const struct wsim_workload *workload)
{
	size_t i;
	int ret = 0;

	for (i = 0; i < workload->num_steps && ret == 0; i++) {
		if (workload->steps[i].kind == WSIM_STEP_BATCH)
			ret = check_batch(workload, i);
	}
	return ret;
}

bool via_is_inner(void)
{
	return getenv(ENV_INNER) != NULL;
}

int via_run_inner(const struct submit_options *options, int argc, char **argv)
{
	struct front_args front = {.drivers = "wwrmock"};
	char self[PATH_MAX];
	size_t length = 0;
	unsigned int i;
	char **inner;
	ssize_t got;
	int code;

	got = readlink("/proc/self/exe", self, sizeof(self) - 1);
	inner = calloc((size_t)argc + 2, sizeof(char *));
	if (got < 0 || inner == NULL) {
		cli_error("--via libdrm: the tool cannot run itself again");
		free(inner);
		return CLI_UNAVAILABLE;
	}
	self[got] = '\0';
	inner[0] = self;
	memcpy(&inner[1], argv, (size_t)argc * sizeof(char *));
	for (i = 0; i < WSIM_NUM_CLASSES; i++)
		length +=
		    (size_t)snprintf(front.mock + length, sizeof(front.mock) - length, "%s=%u,",
				     front_engine_name(i), options->engines.count[i]);
	snprintf(front.mock + length, sizeof(front.mock) - length, "scale=%.17g,touch=%s",
		 options->scale, options->touch_full ? "full" : "head");
	setenv(ENV_INNER, "1", 1);
	code = run_with_devices(&front, inner);
	unsetenv(ENV_INNER);
	free(inner);
	return code;
}
