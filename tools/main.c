/* SPDX-License-Identifier: MIT */
/* The `wwresv` program: finds the subcommand and hands over. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <wwresv/version.h>

#include "tools/bench/bench.h"
#include "tools/common/cli.h"
#include "tools/run/run.h"
#include "tools/soak/soak.h"
#include "tools/submit/submit.h"

struct subcommand {
	const char *name;
	const char *summary;
	/* argv[0] is the subcommand's name.  Returns the exit code. */
	int (*run)(int argc, char **argv);
};

static const struct subcommand subcommands[] = {
    {"submit", "run workload descriptors on a mock GPU and check the result", submit_main},
    {"soak", "random work of every kind until a time is over, with every invariant checked",
     soak_main},
    {"run", "run a program that finds the devices of a mock GPU in /dev/dri", run_main},
    {"info", "list these devices, what they can do and their limits", info_main},
    {"bench", "measure beside the peers, taking turns in one run", bench_main},
};

#define NUM_SUBCOMMANDS (sizeof(subcommands) / sizeof(subcommands[0]))

static void print_usage(FILE *out)
{
	size_t i;

	fputs("Usage: wwresv SUBCOMMAND [OPTION]... [ARGUMENT]...\n"
	      "\n"
	      "Reservation of GPU buffers in userspace: lock sets, fences and a mock GPU.\n"
	      "\n"
	      "Subcommands:\n",
	      out);
	for (i = 0; i < NUM_SUBCOMMANDS; i++)
		fprintf(out, "  %-10s %s\n", subcommands[i].name, subcommands[i].summary);
	fputs(
	    "\n"
	    "Options:\n"
	    "  -h, --help     print this text\n"
	    "  -V, --version  print the version\n"
	    "\n"
	    "'wwresv SUBCOMMAND --help' explains a subcommand.\n"
	    "\n"
	    "Exit status: 0 all is well, 1 a check failed, 2 wrong usage or an input that cannot\n"
	    "be read, 77 not available on this machine.\n",
	    out);
}

static int run_subcommand(int argc, char **argv)
{
	size_t i;

	for (i = 0; i < NUM_SUBCOMMANDS; i++) {
		if (strcmp(argv[0], subcommands[i].name) == 0)
			return subcommands[i].run(argc, argv);
	}
	cli_error("unknown subcommand '%s'; 'wwresv --help' lists them", argv[0]);
	return CLI_USAGE;
}

int main(int argc, char **argv)
{
	static char buffer[16 * 1024];

	/* All of a help text fits: what could not be written is seen at the end, with the reason.
	 */
	if (isatty(STDOUT_FILENO) == 0)
		(void)setvbuf(stdout, buffer, _IOFBF, sizeof(buffer));
	if (argc < 2) {
		print_usage(stderr);
		return CLI_USAGE;
	}
	if (argv[1][0] != '-')
		return run_subcommand(argc - 1, argv + 1);

	if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0) {
		print_usage(stdout);
	} else if (strcmp(argv[1], "--version") == 0 || strcmp(argv[1], "-V") == 0) {
		printf("wwresv %s\n", WWR_VERSION);
	} else {
		cli_error("unknown option '%s'; options come after the subcommand", argv[1]);
		return CLI_USAGE;
	}
	return cli_finish_stdout() == 0 ? CLI_OK : CLI_USAGE;
}
