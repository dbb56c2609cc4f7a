/* SPDX-License-Identifier: MIT */
/* `wwresv info`: which devices a program would find. */
#include "tools/run/run.h"

#include "drivers/front/devices.h"
#include "tools/common/cli.h"
#include "tools/run/front.h"

#include <getopt.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

static void print_usage(FILE *out)
{
	fprintf(
	    out,
	    "Usage: wwresv info [OPTION]...\n"
	    "\n"
	    "List the devices that 'wwresv run' with the same options has, what they can do, and\n"
	    "what each open file may have.\n"
	    "\n"
	    "%s"
	    "  --json                for programs, as one object\n"
	    "  -h, --help            print this text\n",
	    front_args_usage);
}

/* The exit code, or -1: go on. */
static int parse_options(int argc, char **argv, struct front_args *args, bool *ret_json)
{
	static const struct option long_options[] = {
	    FRONT_LONG_OPTIONS,
	    {"json", no_argument, NULL, 'j'},
	    {"help", no_argument, NULL, 'h'},
	    {NULL, 0, NULL, 0},
	};
	int option;

	while ((option = getopt_long(argc, argv, "h", long_options, NULL)) != -1) {
		if (option == 'h') {
			print_usage(stdout);
			return CLI_OK;
		}
		if (option == '?')
			return CLI_USAGE;
		if (option == 'j')
			*ret_json = true;
		else if (front_args_take(args, option, optarg) != 0)
			return CLI_USAGE;
	}
	if (optind == argc)
		return -1;
	cli_error("what is '%s'?  'wwresv info --help' explains", argv[optind]);
	return CLI_USAGE;
}

static void print_device(const struct core_device *device, unsigned int index)
{
	const struct core_driver *driver = device->driver;
	char card[FRONT_NODE_NAME_BYTES], render[FRONT_NODE_NAME_BYTES];
	const char *name;
	uint32_t bits;

	front_node_name((struct front_node){.device = index, .render = false}, card);
	front_node_name((struct front_node){.device = index, .render = true}, render);
	printf("/dev/dri/%s, /dev/dri/%s\n", card, render);
	printf("  driver        %s %d.%d.%d: %s\n", driver->name, driver->major, driver->minor,
	       driver->patchlevel, driver->desc);
	fputs("  capabilities ", stdout);
	for (unsigned int i = 0; (name = front_cap_name(i, &bits)) != NULL; i++)
		printf(" %s=%d", name, (device->caps & bits) == bits);
	printf("\n  limits        buffers=%" PRIu32 " syncobjs=%" PRIu32 " bytes=%" PRIu64 "\n",
	       device->quota.max_buffers, device->quota.max_syncobjs, device->quota.max_bytes);
}

static json_t *device_json(const struct core_device *device, unsigned int index)
{
	char card[FRONT_NODE_NAME_BYTES], render[FRONT_NODE_NAME_BYTES];
	json_t *caps = json_object();
	const char *name;
	uint32_t bits;

	front_node_name((struct front_node){.device = index, .render = false}, card);
	front_node_name((struct front_node){.device = index, .render = true}, render);
	for (unsigned int i = 0; (name = front_cap_name(i, &bits)) != NULL; i++)
		json_object_set_new(caps, name, json_boolean((device->caps & bits) == bits));
	return json_pack(
	    "{s:s, s:s, s:s, s:s, s:o, s:{s:I, s:I, s:I}}", "driver", device->driver->name,
	    "description", device->driver->desc, "card", card, "render", render, "capabilities",
	    caps, "limits", "buffers", (json_int_t)device->quota.max_buffers, "syncobjs",
	    (json_int_t)device->quota.max_syncobjs, "bytes", (json_int_t)device->quota.max_bytes);
}

/* Of the mock GPU. */
static void print_engines(const struct wwr_device_config *mock)
{
	fputs("  engines      ", stdout);
	for (unsigned int i = 0; i < WWR_NUM_ENGINE_CLASSES; i++)
		printf(" %s=%" PRIu32, front_engine_name(i), mock->num_engines[i]);
	putchar('\n');
}

static json_t *engines_json(const struct wwr_device_config *mock)
{
	json_t *engines = json_object();

	for (unsigned int i = 0; i < WWR_NUM_ENGINE_CLASSES; i++)
		json_object_set_new(engines, front_engine_name(i),
				    json_integer((json_int_t)mock->num_engines[i]));
	return engines;
}

static void show_device(const struct front_options *options, unsigned int index,
			const struct core_device *device, json_t *list)
{
	bool is_mock = options->drivers[index] == FRONT_WWRMOCK;

	if (list != NULL) {
		json_t *object = device_json(device, index);

		if (is_mock)
			json_object_set_new(object, "engines", engines_json(&options->mock));
		json_array_append_new(list, object);
	} else {
		print_device(device, index);
		if (is_mock)
			print_engines(&options->mock);
	}
}

/* 0 or -errno. */
static int show_devices(const struct front_options *options, json_t *list)
{
	for (unsigned int i = 0; i < options->num_devices; i++) {
		struct core_device *device = NULL;
		int ret = front_device_create(options, i, &device);

		if (ret != 0)
			return ret;
		show_device(options, i, device, list);
		core_device_put(device);
	}
	return 0;
}

int info_main(int argc, char **argv)
{
	struct front_args args = {.caps = ""};
	struct front_options options;
	json_t *root = NULL;
	bool json = false;
	int code, ret;

	cli_set_name("wwresv info");
	code = parse_options(argc, argv, &args, &json);
	if (code >= 0)
		return cli_finish_stdout() == 0 ? code : CLI_USAGE;
	front_args_options(&args, &options);
	if (json)
		root = json_pack("{s:s, s:[]}", "schema", "wwresv.info/1", "devices");
	ret = show_devices(&options, json_object_get(root, "devices"));
	if (ret != 0)
		cli_error("cannot make a device: %s", strerror(-ret));
	else if (json && json_dumpf(root, stdout, JSON_INDENT(2)) == 0)
		putchar('\n');
	json_decref(root);
	if (cli_finish_stdout() != 0)
		return CLI_USAGE;
	return ret == 0 ? CLI_OK : CLI_UNAVAILABLE;
}
