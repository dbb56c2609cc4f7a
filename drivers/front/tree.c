/* SPDX-License-Identifier: MIT */
#include "drivers/front/tree.h"

#include "drivers/front/devices.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PATH_BYTES 512
#define TEXT_BYTES 256

/* A tree on its way; after the first error nothing more is made. */
struct builder {
	const char *tree;
	int ret; /* 0 or -errno */
};

/* Whether path is complete. */
static bool builder_path(struct builder *builder, char *ret_path, const char *format, va_list args)
{
	int length = snprintf(ret_path, PATH_BYTES, "%s", builder->tree);

	if (builder->ret != 0)
		return false;
	if (length > 0 && length < PATH_BYTES)
		length += vsnprintf(ret_path + length, (size_t)(PATH_BYTES - length), format, args);
	if (length >= PATH_BYTES)
		builder->ret = -ENAMETOOLONG;
	return builder->ret == 0;
}

__attribute__((format(printf, 2, 3))) static void make_dir(struct builder *builder,
							   const char *format, ...)
{
	char path[PATH_BYTES];
	va_list args;

	va_start(args, format);
	if (builder_path(builder, path, format, args) && mkdir(path, 0755) != 0 && errno != EEXIST)
		builder->ret = -errno;
	va_end(args);
}

__attribute__((format(printf, 4, 5))) static void
make_file(struct builder *builder, mode_t mode, const char *text, const char *format, ...)
{
	size_t length = strlen(text);
	char path[PATH_BYTES];
	va_list args;
	int fd;

	va_start(args, format);
	if (builder_path(builder, path, format, args)) {
		fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
		if (fd < 0 || write(fd, text, length) != (ssize_t)length || fchmod(fd, mode) != 0)
			builder->ret = -errno;
		if (fd >= 0)
			close(fd);
	}
	va_end(args);
}

__attribute__((format(printf, 3, 4))) static void
make_link(struct builder *builder, const char *target, const char *format, ...)
{
	char path[PATH_BYTES];
	va_list args;

	va_start(args, format);
	if (builder_path(builder, path, format, args) && symlink(target, path) != 0)
		builder->ret = -errno;
	va_end(args);
}

static void make_node(struct builder *builder, const char *driver, struct front_node node)
{
	unsigned int minor = front_node_minor(node);
	char name[FRONT_NODE_NAME_BYTES];
	char text[TEXT_BYTES];

	front_node_name(node, name);
	make_file(builder, 0666, "", "/dev/dri/%s", name);
	make_dir(builder, "/sys/devices/platform/%s/drm/%s", driver, name);
	snprintf(text, sizeof(text), "MAJOR=%u\nMINOR=%u\nDEVNAME=dri/%s\nDEVTYPE=drm_minor\n",
		 FRONT_DRM_MAJOR, minor, name);
	make_file(builder, 0444, text, "/sys/devices/platform/%s/drm/%s/uevent", driver, name);
	snprintf(text, sizeof(text), "%u:%u\n", FRONT_DRM_MAJOR, minor);
	make_file(builder, 0444, text, "/sys/devices/platform/%s/drm/%s/dev", driver, name);
	make_link(builder, "../..", "/sys/devices/platform/%s/drm/%s/device", driver, name);
	make_link(builder, "../../../../../class/drm", "/sys/devices/platform/%s/drm/%s/subsystem",
		  driver, name);
	snprintf(text, sizeof(text), "../../devices/platform/%s/drm/%s", driver, name);
	make_link(builder, text, "/sys/class/drm/%s", name);
	snprintf(text, sizeof(text), "../../devices/platform/%s/drm/%s", driver, name);
	make_link(builder, text, "/sys/dev/char/%u:%u", FRONT_DRM_MAJOR, minor);
}

static void make_device(struct builder *builder, const char *driver, unsigned int index)
{
	char text[TEXT_BYTES];

	make_dir(builder, "/sys/devices/platform/%s", driver);
	make_dir(builder, "/sys/devices/platform/%s/drm", driver);
	snprintf(text, sizeof(text), "DRIVER=%s\nMODALIAS=platform:%s\n", driver, driver);
	make_file(builder, 0444, text, "/sys/devices/platform/%s/uevent", driver);
	snprintf(text, sizeof(text), "platform:%s\n", driver);
	make_file(builder, 0444, text, "/sys/devices/platform/%s/modalias", driver);
	make_link(builder, "../../../bus/platform", "/sys/devices/platform/%s/subsystem", driver);
	make_node(builder, driver, (struct front_node){.device = index, .render = false});
	make_node(builder, driver, (struct front_node){.device = index, .render = true});
}

static void make_all(struct builder *builder, const struct front_options *options)
{
	static const char *const dirs[] = {
	    "/dev",
	    "/dev/dri",
	    "/sys",
	    "/sys/bus",
	    "/sys/bus/platform",
	    "/sys/class",
	    "/sys/class/drm",
	    "/sys/dev",
	    "/sys/dev/char",
	    "/sys/devices",
	    "/sys/kernel",
	    "/sys/kernel/debug",
	    "/sys/devices/platform",
	    "/sys/kernel/debug/sync",
	};

	for (size_t i = 0; i < sizeof(dirs) / sizeof(dirs[0]); i++)
		make_dir(builder, "%s", dirs[i]);
	make_file(builder, 0666, "", "/dev/sw_sync");
	make_file(builder, 0666, "", "/sys/kernel/debug/sync/sw_sync");
	make_file(builder, 0444, "drm 1.1.0 20060810\n", "/sys/class/drm/version");
	for (unsigned int i = 0; i < options->num_devices; i++)
		make_device(builder, front_driver_name(options->drivers[i]), i);
}

int front_tree_make(const struct front_options *options, char *ret_tree)
{
	const char *folder = getenv("TMPDIR");
	struct builder builder = {.tree = ret_tree};
	int length;

	if (folder == NULL || folder[0] != '/')
		folder = "/tmp";
	length = snprintf(ret_tree, FRONT_TREE_BYTES, "%s/wwresv-XXXXXX", folder);
	if (length >= FRONT_TREE_BYTES)
		return -ENAMETOOLONG;
	if (mkdtemp(ret_tree) == NULL)
		return -errno;
	/* Other users may look at the devices, as they may in /dev. */
	if (chmod(ret_tree, 0755) != 0)
		builder.ret = -errno;
	make_all(&builder, options);
	if (builder.ret != 0)
		front_tree_remove(ret_tree);
	return builder.ret;
}

static int remove_entry(const char *path, const struct stat *status, int type, struct FTW *where)
{
	(void)status;
	(void)type;
	(void)where;
	(void)remove(path);
	return 0;
}

void front_tree_remove(const char *tree)
{
	(void)nftw(tree, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
}
