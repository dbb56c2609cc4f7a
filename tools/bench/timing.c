/* SPDX-License-Identifier: MIT */
#include "tools/bench/timing.h"

#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#define CALIBRATION_TURNS 2000000u
#define CALIBRATIONS	  5

__attribute__((noinline, aligned(64))) void timing_work(uint64_t turns)
{
	for (volatile uint64_t i = 0; i < turns; i++)
		;
}

/* The fastest of several: disturbance only ever makes it slower. */
static double turn_ns(void)
{
	static double fastest_ns;

	for (int i = 0; fastest_ns == 0 || i < CALIBRATIONS; i++) {
		struct timing timing;
		double ns;

		if (fastest_ns != 0 && i == 0)
			break;
		timing = timing_begin();
		timing_work(CALIBRATION_TURNS);
		timing = timing_end(timing);
		ns = (double)timing.wall_ns / CALIBRATION_TURNS;
		if (fastest_ns == 0 || ns < fastest_ns)
			fastest_ns = ns;
	}
	return fastest_ns;
}

uint64_t timing_turns(uint64_t work_ns)
{
	return work_ns == 0 ? 0 : (uint64_t)((double)work_ns / turn_ns());
}

/* User, nice, system, irq, softirq and steal of all processors; -1 where there is no /proc. */
static int64_t machine_busy_ns(void)
{
	int64_t user, nice, system, idle, iowait, irq, softirq, steal;
	const int64_t tick_ns = CLOCK_NS_PER_S / sysconf(_SC_CLK_TCK);
	FILE *file = fopen("/proc/stat", "re");
	int num;

	if (file == NULL)
		return -1;
	num = fscanf(file,
		     "cpu %" SCNd64 " %" SCNd64 " %" SCNd64 " %" SCNd64 " %" SCNd64 " %" SCNd64
		     " %" SCNd64 " %" SCNd64,
		     &user, &nice, &system, &idle, &iowait, &irq, &softirq, &steal);
	fclose(file);
	return num == 8 ? (user + nice + system + irq + softirq + steal) * tick_ns : -1;
}

void timing_machine_begin(struct timing_machine *machine)
{
	struct timespec own;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &own);
	machine->own_ns = (int64_t)own.tv_sec * CLOCK_NS_PER_S + own.tv_nsec;
	machine->total_ns = machine_busy_ns();
	machine->wall_ns = clock_now_ns();
}

double timing_machine_share(const struct timing_machine *begin)
{
	struct timing_machine now;
	double own_ns, others_ns, all_ns;

	timing_machine_begin(&now);
	if (begin->total_ns < 0 || now.total_ns < 0)
		return 1;
	own_ns = (double)(now.own_ns - begin->own_ns);
	others_ns = (double)(now.total_ns - begin->total_ns) - own_ns;
	all_ns = (double)(now.wall_ns - begin->wall_ns) * (double)sysconf(_SC_NPROCESSORS_ONLN);
	if (others_ns < 0)
		others_ns = 0;
	/* The system counts in ticks, which can be longer than all of it: what we had, we had. */
	if (others_ns > all_ns - own_ns)
		others_ns = all_ns - own_ns;
	return 1 - others_ns / all_ns;
}
