/* SPDX-License-Identifier: MIT */
/* Syncobjs as descriptors; memory_registry.h has the invariants.  Each export is a file of its own.
 */
#include <wwresv/syncobj.h>

#include <wwresv/alloc.h>
#include "reservation/memory_registry.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

struct syncobj_file {
	struct memory_entry entry;
	struct wwr_syncobj *syncobj; /* immutable; a reference */
};

static struct memory_registry registry;

static struct syncobj_file *entry_file(struct memory_entry *entry)
{
	return WWR_CONTAINER_OF(entry, struct syncobj_file, entry);
}

unsigned int wwr_syncobj_collect(void)
{
	struct memory_entry *list = memory_registry_take_unused(&registry);
	unsigned int num = 0;

	for (; list != NULL; num++) {
		struct syncobj_file *file = entry_file(list);

		list = list->next;
		close(file->entry.own_fd);
		wwr_syncobj_put(file->syncobj);
		wwr_free(file);
	}
	return num;
}

/* A file, opened twice: for the library, and for the caller. */
static int syncobj_file_open(struct syncobj_file *file, int *ret_fd)
{
	uint64_t size_bytes;
	int memory_fd;
	int ret;

	ret = wwr_memory_create(0, &memory_fd);
	if (ret != 0)
		return ret;
	ret = memory_identify(memory_fd, &file->entry.id, &size_bytes);
	if (ret == 0)
		ret = wwr_memory_reopen(memory_fd, O_RDWR, &file->entry.own_fd);
	if (ret == 0) {
		ret = wwr_memory_reopen(memory_fd, O_RDWR, ret_fd);
		if (ret != 0)
			close(file->entry.own_fd);
	}
	close(memory_fd);
	return ret;
}

int wwr_syncobj_export_fd(struct wwr_syncobj *syncobj, int *ret_fd)
{
	struct syncobj_file *file;
	int ret;

	if (memory_registry_is_full(&registry))
		(void)wwr_syncobj_collect();
	file = wwr_alloc(sizeof(*file));
	if (file == NULL)
		return -ENOMEM;
	ret = syncobj_file_open(file, ret_fd);
	if (ret != 0) {
		wwr_free(file);
		return ret;
	}
	file->syncobj = wwr_syncobj_get(syncobj);
	/* The file is new, so nobody has it in there. */
	(void)memory_registry_add(&registry, &file->entry);
	return 0;
}

static void *entry_get_syncobj(struct memory_entry *entry, void *data)
{
	(void)data;
	return wwr_syncobj_get(entry_file(entry)->syncobj);
}

int wwr_syncobj_import_fd(int fd, struct wwr_syncobj **ret_syncobj)
{
	struct wwr_syncobj *syncobj;
	struct memory_id id;
	uint64_t size_bytes;
	int ret;

	ret = memory_identify(fd, &id, &size_bytes);
	if (ret != 0)
		return ret;
	syncobj = memory_registry_find(&registry, &id, entry_get_syncobj, NULL);
	if (syncobj == NULL)
		return -EINVAL;
	*ret_syncobj = syncobj;
	return 0;
}
