/* SPDX-License-Identifier: MIT */
#include "tools/submit/usage.h"

#include "tools/wsim/wsim.h"

static const char synopsis[] =
    "Usage: wwresv submit [OPTION]... WORKLOAD...\n"
    "\n"
    "Run workload descriptors on a mock GPU: every batch locks all its buffers as one set, and\n"
    "at the end the contents of all buffers are compared with a sequential replay.\n"
    "\n"
    "A WORKLOAD is '-' (standard input), a file (anything with a '/', or an existing file), the\n"
    "name of a built-in workload, or the steps themselves, as in '1.RCS.100.0.0,d.50'.\n";

static const char load_options[] =
    "\n"
    "What runs:\n"
    "      --clients N      clients of each workload, each a thread (1)\n"
    "      --repeat R       loops of each client (1)\n"
    "      --share          private working sets are shared by all clients of a workload\n"
    "      --scale F        multiply durations and delays; 0 = no waiting (1)\n"
    "      --engines LIST   engines of the mock, as in rcs=4,vcs=2 (rcs=1,bcs=1,vcs=2,vecs=1,\n"
    "                       ccs=1)\n"
    "      --touch HOW      head: jobs use the first 256 bytes of each buffer; full: all (head)\n"
    "      --via HOW        direct: jobs go to the mock GPU by calls; libdrm: as a program's\n"
    "                       that opens the device, of which 'wwresv run' tells (direct)\n"
    "      --seed S         seed of all random choices; the summary tells it (random)\n";

static const char memory_options[] =
    "\n"
    "Where buffers are; SIZE is in bytes, or with k, m or g:\n"
    "      --vram SIZE      all buffers of a job are in VRAM while it runs; others are evicted,\n"
    "                       and a job that can never fit has failed (no VRAM, no moves)\n"
    "      --gtt SIZE       evicted buffers go there first, then to system memory (as VRAM)\n";

static const char sched_options[] =
    "\n"
    "How jobs come to engines; any of these has the scheduler between them:\n"
    "      --sched POLICY   fair, fifo or rr (engines take what is ready; fair with the others);\n"
    "                       fairness: Jain's index of the clients' time on engines, 1 = all had\n"
    "                       the same, 1/n = one of n had it all; it knows of no priorities\n"
    "      --hang-every N   every N-th job never ends by itself\n"
    "      --hang-timeout MS\n"
    "                       then its engine is reset, and it has failed (200)\n"
    "      --hang-limit N   a client with more hangs is guilty: its jobs are cancelled (never)\n"
    "      --slow-every N   every N-th job takes longer, and has hung if it is still on its\n"
    "                       engine after the timeout\n"
    "      --slow-factor F  so many times its duration (10)\n"
    "      --lose-device-after N\n"
    "                       after N jobs all others fail\n";

static const char lock_options[] =
    "\n"
    "How buffers are locked:\n"
    "      --class C        wound-wait or wait-die (wound-wait)\n"
    "      --policy P       default: never sleep while holding a lock; or classic (default)\n"
    "      --retry-limit N  a job gives up, and has failed, after N back-offs; 0 = never (0)\n"
    "      --inject N       back off without need, first after at most N locks; 0 = off (0)\n"
    "      --hold-us N      keep the locks N microseconds longer, asleep (0)\n"
    "      --sort           lock in address order instead of the descriptor's\n"
    "      --break-dep D    drop the dependencies of one kind (read, write, data or submit), to\n"
    "                       see the check fail\n";

static const char output_options[] =
    "\n"
    "What is printed:\n"
    "      --list           print the parsed steps and run nothing\n"
    "      --jobs FILE      write a line of JSON for each job; '-' = standard output,\n"
    "                       which --json cannot share\n"
    "      --fdinfo         at the end tell what each client used, in the format of DRM usage\n"
    "                       stats; has the scheduler between\n"
    "      --json           print the summary as JSON, schema wwresv.submit/1\n"
    "      --timeout S      report a stall when no job completes for S seconds, unless all\n"
    "                       clients that run sleep in a delay step (30)\n"
    "  -q, --quiet          no progress and no notes on standard error\n"
    "  -h, --help           print this text\n"
    "  -V, --version        print the version\n";

static const char exit_status[] =
    "\n"
    "Exit status: 0 all is well; 1 contents differ from the replay, jobs failed and no\n"
    "option but --retry-limit asked for that, or a stall;\n"
    "2 wrong usage, an input that cannot be read or an output that cannot be written; 77 not\n"
    "available on this machine; 130 or 143 stopped by SIGINT or SIGTERM, after the summary.\n"
    "A second signal ends the program at once.\n";

void usage_print(FILE *out)
{
	const struct wsim_builtin *builtins;
	size_t num, i;

	fputs(synopsis, out);
	fputs(load_options, out);
	fputs(memory_options, out);
	fputs(sched_options, out);
	fputs(lock_options, out);
	fputs(output_options, out);
	fputs("\nBuilt-in workloads:\n", out);
	builtins = wsim_builtin_list(&num);
	for (i = 0; i < num; i++)
		fprintf(out, "  %-16s %s\n", builtins[i].name, builtins[i].description);
	fputs(exit_status, out);
}
