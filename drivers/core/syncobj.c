/* SPDX-License-Identifier: MIT */
/* The syncobjs of an open file: one, or many of them. */
#include "drivers/core/syncobj.h"

#include <wwresv/alloc.h>
#include <wwresv/syncobj.h>

#include <errno.h>

static void *syncobj_get(void *object)
{
	return wwr_syncobj_get(object);
}

struct wwr_syncobj *core_syncobj_find(struct core_file *file, uint32_t handle)
{
	return handle_table_find(&file->syncobjs, handle, syncobj_get);
}

int core_syncobj_array_get(struct core_call *call, uint64_t handles, uint32_t num,
			   struct core_syncobj_array *ret_array)
{
	struct core_syncobj_array array = {0, NULL};
	void *copy;
	int ret = core_copy_array(call, handles, num, sizeof(uint32_t), &copy);

	if (ret != 0)
		return ret;
	array.syncobjs = wwr_alloc_array(num, sizeof(*array.syncobjs));
	if (array.syncobjs == NULL)
		ret = -ENOMEM;
	for (; ret == 0 && array.num < num; array.num++) {
		array.syncobjs[array.num] =
		    core_syncobj_find(call->file, ((uint32_t *)copy)[array.num]);
		if (array.syncobjs[array.num] == NULL) {
			ret = -ENOENT;
			break;
		}
	}
	wwr_free(copy);
	if (ret == 0)
		*ret_array = array;
	else
		core_syncobj_array_put(&array);
	return ret;
}

void core_syncobj_array_put(struct core_syncobj_array *array)
{
	for (uint32_t i = 0; i < array->num; i++)
		wwr_syncobj_put(array->syncobjs[i]);
	wwr_free(array->syncobjs);
}

int core_syncobj_check_caps(struct core_call *call, uint32_t caps)
{
	return (call->file->device->caps & caps) == caps ? 0 : -EOPNOTSUPP;
}

void core_syncobj_close_file(struct core_file *file)
{
	struct wwr_syncobj *syncobj;
	uint32_t cursor = 0;
	uint32_t handle;

	while ((syncobj = handle_table_take(&file->syncobjs, &cursor, &handle)) != NULL)
		wwr_syncobj_put(syncobj);
	handle_table_fini(&file->syncobjs);
}
