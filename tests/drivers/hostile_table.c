/* SPDX-License-Identifier: MIT */
#include "tests/drivers/hostile.h"

#include <wwresv/uapi/drm_more.h>
#include <wwresv/uapi/sync_more.h>
#include <wwresv/uapi/vgem.h>
#include <wwresv/uapi/wwr_drm.h>

#include <drm.h>
#include <drm_mode.h>
#include <linux/dma-buf.h>
#include <linux/sync_file.h>

#include <errno.h>
#include <fcntl.h>

#define M(type, member, kind, allowed, value)                                                      \
	{                                                                                          \
#member, offsetof(type, member), sizeof(((type *)0)->member), kind, allowed, value \
	}
#define PAD(type, member)	  M(type, member, IS_PAD, 0, GIVE_0)
#define FLAGS(type, member, bits) M(type, member, IS_FLAGS, bits, GIVE_0)
#define NUM(type, member, value)  M(type, member, IS_NUMBER, 0, value)
#define PTR(type, member, value)  M(type, member, IS_POINTER, 0, value)
/* One that is written to. */
#define PTR_OUT(type, member, value) M(type, member, IS_POINTER, 1, value)
#define OUT_FD(type, member)	     M(type, member, IS_OUT_FD, 0, GIVE_0)
#define OUT(type, member)	     M(type, member, IS_OUT, 0, GIVE_0)

typedef struct wwr_drm_syncobj_handle handle_block;
typedef struct drm_syncobj_timeline_array points_block;
typedef struct wwr_drm_syncobj_timeline_wait wait_block;
typedef struct wwr_drm_submit submit_block;
/* Its argument is the address of a text: the first bytes of that. */
typedef struct {
	uint32_t text;
} name_block;
typedef struct {
	uint32_t value;
} inc_block;

/* clang-format off */
#define OF_EVERY_DEVICE(on)                                                                        \
	{"VERSION", on, DRM_IOCTL_VERSION, 0, {                                                    \
		OUT(struct drm_version, version_major),                                            \
		NUM(struct drm_version, name_len, GIVE_2), PTR_OUT(struct drm_version, name, GIVE_TEXT),   \
		NUM(struct drm_version, date_len, GIVE_2), PTR_OUT(struct drm_version, date, GIVE_TEXT),   \
		NUM(struct drm_version, desc_len, GIVE_2), PTR_OUT(struct drm_version, desc, GIVE_TEXT)}}, \
	{"GET_UNIQUE", on, DRM_IOCTL_GET_UNIQUE, 0, {                                              \
		NUM(struct drm_unique, unique_len, GIVE_8),                                        \
		PTR_OUT(struct drm_unique, unique, GIVE_TEXT)}},                                       \
	{"GET_MAGIC", on, DRM_IOCTL_GET_MAGIC, 0, {OUT(struct drm_auth, magic)}},                  \
	{"AUTH_MAGIC", on, DRM_IOCTL_AUTH_MAGIC, 0, {NUM(struct drm_auth, magic, GIVE_MAGIC)}},    \
	{"GET_CLIENT", on, DRM_IOCTL_GET_CLIENT, 0, {NUM(struct drm_client, idx, GIVE_0)}},        \
	{"GET_STATS", on, DRM_IOCTL_GET_STATS, 0, {OUT(struct drm_stats, count)}},                 \
	{"SET_VERSION", on, DRM_IOCTL_SET_VERSION, 0, {                                            \
		NUM(struct drm_set_version, drm_di_major, GIVE_1),                                 \
		NUM(struct drm_set_version, drm_di_minor, GIVE_1),                                 \
		NUM(struct drm_set_version, drm_dd_major, GIVE_1),                                 \
		NUM(struct drm_set_version, drm_dd_minor, GIVE_0)}},                               \
	{"SET_MASTER", on, DRM_IOCTL_SET_MASTER, 0, {{NULL, 0, 0, 0, 0, 0}}},                      \
	{"DROP_MASTER", on, DRM_IOCTL_DROP_MASTER, 0, {{NULL, 0, 0, 0, 0, 0}}},                    \
	{"GET_CAP", on, DRM_IOCTL_GET_CAP, 0, {                                                    \
		NUM(struct drm_get_cap, capability, GIVE_1), OUT(struct drm_get_cap, value)}},     \
	{"SET_CLIENT_CAP", on, DRM_IOCTL_SET_CLIENT_CAP, -EOPNOTSUPP, {                            \
		NUM(struct drm_set_client_cap, capability, GIVE_1),                                \
		NUM(struct drm_set_client_cap, value, GIVE_1)}},                                   \
	{"SET_CLIENT_NAME", on, WWR_DRM_IOCTL_SET_CLIENT_NAME, 0, {                                \
		NUM(struct wwr_drm_set_client_name, name_len, GIVE_2),                             \
		PTR(struct wwr_drm_set_client_name, name, GIVE_TEXT)}},                            \
	{"GEM_CLOSE", on, DRM_IOCTL_GEM_CLOSE, 0, {                                                \
		NUM(struct drm_gem_close, handle, GIVE_BUFFER),                                    \
		NUM(struct drm_gem_close, pad, GIVE_0)}},                                          \
	{"GEM_FLINK", on, DRM_IOCTL_GEM_FLINK, 0, {                                                \
		NUM(struct drm_gem_flink, handle, GIVE_BUFFER), OUT(struct drm_gem_flink, name)}}, \
	{"GEM_OPEN", on, DRM_IOCTL_GEM_OPEN, 0, {                                                  \
		NUM(struct drm_gem_open, name, GIVE_NAME), OUT(struct drm_gem_open, handle),       \
		OUT(struct drm_gem_open, size)}},                                                  \
	{"PRIME_HANDLE_TO_FD", on, DRM_IOCTL_PRIME_HANDLE_TO_FD, 0, {                              \
		NUM(struct drm_prime_handle, handle, GIVE_BUFFER),                                 \
		FLAGS(struct drm_prime_handle, flags, DRM_CLOEXEC | DRM_RDWR),                     \
		OUT_FD(struct drm_prime_handle, fd)}},                                                \
	{"PRIME_FD_TO_HANDLE", on, DRM_IOCTL_PRIME_FD_TO_HANDLE, 0, {                              \
		OUT(struct drm_prime_handle, handle), NUM(struct drm_prime_handle, flags, GIVE_0), \
		NUM(struct drm_prime_handle, fd, GIVE_DMA_FD)}},                                   \
	{"CREATE_DUMB", on, DRM_IOCTL_MODE_CREATE_DUMB, 0, {                                       \
		NUM(struct drm_mode_create_dumb, height, GIVE_1),                                  \
		NUM(struct drm_mode_create_dumb, width, GIVE_2),                                   \
		NUM(struct drm_mode_create_dumb, bpp, GIVE_8),                                     \
		FLAGS(struct drm_mode_create_dumb, flags, 0),                                      \
		OUT(struct drm_mode_create_dumb, handle), OUT(struct drm_mode_create_dumb, pitch), \
		OUT(struct drm_mode_create_dumb, size)}},                                          \
	{"MAP_DUMB", on, DRM_IOCTL_MODE_MAP_DUMB, 0, {                                             \
		NUM(struct drm_mode_map_dumb, handle, GIVE_BUFFER),                                \
		NUM(struct drm_mode_map_dumb, pad, GIVE_0),                                        \
		OUT(struct drm_mode_map_dumb, offset)}},                                           \
	{"DESTROY_DUMB", on, DRM_IOCTL_MODE_DESTROY_DUMB, 0, {                                     \
		NUM(struct drm_mode_destroy_dumb, handle, GIVE_BUFFER)}},                          \
	{"SYNCOBJ_CREATE", on, DRM_IOCTL_SYNCOBJ_CREATE, 0, {                                      \
		OUT(struct drm_syncobj_create, handle),                                            \
		FLAGS(struct drm_syncobj_create, flags, 1)}},                                      \
	{"SYNCOBJ_DESTROY", on, DRM_IOCTL_SYNCOBJ_DESTROY, 0, {                                    \
		NUM(struct drm_syncobj_destroy, handle, GIVE_SYNCOBJ),                             \
		PAD(struct drm_syncobj_destroy, pad)}},                                            \
	{"SYNCOBJ_HANDLE_TO_FD", on, WWR_DRM_IOCTL_SYNCOBJ_HANDLE_TO_FD, 0, {                      \
		NUM(handle_block, handle, GIVE_SYNCOBJ), FLAGS(handle_block, flags, 3),            \
		OUT_FD(handle_block, fd), PAD(handle_block, pad), PAD(handle_block, point)}},         \
	{"SYNCOBJ_FD_TO_HANDLE", on, WWR_DRM_IOCTL_SYNCOBJ_FD_TO_HANDLE, 0, {                      \
		OUT(handle_block, handle), FLAGS(handle_block, flags, 3),                          \
		NUM(handle_block, fd, GIVE_SYNCOBJ_FD), PAD(handle_block, pad),                    \
		PAD(handle_block, point)}},                                                        \
	{"SYNCOBJ_WAIT", on, WWR_DRM_IOCTL_SYNCOBJ_WAIT, 0, {                                      \
		PTR(struct wwr_drm_syncobj_wait, handles, GIVE_HANDLES),                           \
		NUM(struct wwr_drm_syncobj_wait, timeout_nsec, GIVE_0),                            \
		NUM(struct wwr_drm_syncobj_wait, count_handles, GIVE_2),                           \
		FLAGS(struct wwr_drm_syncobj_wait, flags, 0xb),                                    \
		OUT(struct wwr_drm_syncobj_wait, first_signaled),                                  \
		PAD(struct wwr_drm_syncobj_wait, pad),                                             \
		NUM(struct wwr_drm_syncobj_wait, deadline_nsec, GIVE_0)}},                         \
	{"SYNCOBJ_TIMELINE_WAIT", on, WWR_DRM_IOCTL_SYNCOBJ_TIMELINE_WAIT, 0, {                    \
		PTR(wait_block, handles, GIVE_HANDLES), PTR(wait_block, points, GIVE_POINTS),      \
		NUM(wait_block, timeout_nsec, GIVE_0), NUM(wait_block, count_handles, GIVE_2),     \
		FLAGS(wait_block, flags, 0xf), OUT(wait_block, first_signaled),                    \
		PAD(wait_block, pad), NUM(wait_block, deadline_nsec, GIVE_0)}},                    \
	{"SYNCOBJ_RESET", on, DRM_IOCTL_SYNCOBJ_RESET, 0, {                                        \
		PTR(struct drm_syncobj_array, handles, GIVE_HANDLES),                              \
		NUM(struct drm_syncobj_array, count_handles, GIVE_2),                              \
		PAD(struct drm_syncobj_array, pad)}},                                              \
	{"SYNCOBJ_SIGNAL", on, DRM_IOCTL_SYNCOBJ_SIGNAL, 0, {                                      \
		PTR(struct drm_syncobj_array, handles, GIVE_HANDLES),                              \
		NUM(struct drm_syncobj_array, count_handles, GIVE_2),                              \
		PAD(struct drm_syncobj_array, pad)}},                                              \
	{"SYNCOBJ_TIMELINE_SIGNAL", on, DRM_IOCTL_SYNCOBJ_TIMELINE_SIGNAL, 0, {                    \
		PTR(points_block, handles, GIVE_HANDLES), PTR(points_block, points, GIVE_POINTS),  \
		NUM(points_block, count_handles, GIVE_2), FLAGS(points_block, flags, 0)}},         \
	{"SYNCOBJ_QUERY", on, DRM_IOCTL_SYNCOBJ_QUERY, 0, {                                        \
		PTR(points_block, handles, GIVE_HANDLES), PTR_OUT(points_block, points, GIVE_POINTS),  \
		NUM(points_block, count_handles, GIVE_2), FLAGS(points_block, flags, 1)}},         \
	{"SYNCOBJ_TRANSFER", on, DRM_IOCTL_SYNCOBJ_TRANSFER, 0, {                                  \
		NUM(struct drm_syncobj_transfer, src_handle, GIVE_SYNCOBJ),                        \
		NUM(struct drm_syncobj_transfer, dst_handle, GIVE_TIMELINE),                       \
		NUM(struct drm_syncobj_transfer, src_point, GIVE_0),                               \
		NUM(struct drm_syncobj_transfer, dst_point, GIVE_2),                               \
		FLAGS(struct drm_syncobj_transfer, flags, 2),                                      \
		PAD(struct drm_syncobj_transfer, pad)}},                                           \
	{"SYNCOBJ_EVENTFD", on, WWR_DRM_IOCTL_SYNCOBJ_EVENTFD, 0, {                                \
		NUM(struct wwr_drm_syncobj_eventfd, handle, GIVE_SYNCOBJ),                         \
		FLAGS(struct wwr_drm_syncobj_eventfd, flags, 4),                                   \
		NUM(struct wwr_drm_syncobj_eventfd, point, GIVE_0),                                \
		NUM(struct wwr_drm_syncobj_eventfd, fd, GIVE_EVENT_FD),                            \
		PAD(struct wwr_drm_syncobj_eventfd, pad)}}

/* There is no display: only where the block is counts. */
#define NO_DISPLAY(on, name) {#name, on, DRM_IOCTL_##name, -EOPNOTSUPP, {{NULL, 0, 0, 0, 0, 0}}}
#define OF_NO_DISPLAY(on)                                                                  \
	NO_DISPLAY(on, WAIT_VBLANK), NO_DISPLAY(on, CRTC_GET_SEQUENCE),                    \
	NO_DISPLAY(on, CRTC_QUEUE_SEQUENCE), NO_DISPLAY(on, MODE_GETRESOURCES),            \
	NO_DISPLAY(on, MODE_GETCRTC), NO_DISPLAY(on, MODE_SETCRTC),                        \
	NO_DISPLAY(on, MODE_CURSOR), NO_DISPLAY(on, MODE_GETGAMMA),                        \
	NO_DISPLAY(on, MODE_SETGAMMA), NO_DISPLAY(on, MODE_GETENCODER),                    \
	NO_DISPLAY(on, MODE_GETCONNECTOR), NO_DISPLAY(on, MODE_GETPROPERTY),               \
	NO_DISPLAY(on, MODE_SETPROPERTY), NO_DISPLAY(on, MODE_GETPROPBLOB),                \
	NO_DISPLAY(on, MODE_GETFB), NO_DISPLAY(on, MODE_ADDFB), NO_DISPLAY(on, MODE_RMFB), \
	NO_DISPLAY(on, MODE_PAGE_FLIP), NO_DISPLAY(on, MODE_DIRTYFB),                      \
	NO_DISPLAY(on, MODE_GETPLANERESOURCES), NO_DISPLAY(on, MODE_GETPLANE),             \
	NO_DISPLAY(on, MODE_SETPLANE), NO_DISPLAY(on, MODE_ADDFB2),                        \
	NO_DISPLAY(on, MODE_OBJ_GETPROPERTIES), NO_DISPLAY(on, MODE_OBJ_SETPROPERTY),      \
	NO_DISPLAY(on, MODE_CURSOR2), NO_DISPLAY(on, MODE_ATOMIC),                         \
	NO_DISPLAY(on, MODE_CREATEPROPBLOB), NO_DISPLAY(on, MODE_DESTROYPROPBLOB),         \
	NO_DISPLAY(on, MODE_CREATE_LEASE), NO_DISPLAY(on, MODE_LIST_LESSEES),              \
	NO_DISPLAY(on, MODE_GET_LEASE), NO_DISPLAY(on, MODE_REVOKE_LEASE),                 \
	NO_DISPLAY(on, MODE_GETFB2),                                                       \
	{"MODE_ATTACHMODE", on, DRM_IOCTL_MODE_ATTACHMODE, 0, {{NULL, 0, 0, 0, 0, 0}}},    \
	{"MODE_DETACHMODE", on, DRM_IOCTL_MODE_DETACHMODE, 0, {{NULL, 0, 0, 0, 0, 0}}},    \
	{"MODE_CLOSEFB", on, WWR_DRM_IOCTL_MODE_CLOSEFB, -EOPNOTSUPP,                           \
		{{NULL, 0, 0, 0, 0, 0}}}

const struct hostile_ioctl hostile_ioctls[] = {
	OF_EVERY_DEVICE(ON_VGEM),
	OF_EVERY_DEVICE(ON_MOCK),
	{"VGEM_FENCE_ATTACH", ON_VGEM, WWR_IOCTL_VGEM_FENCE_ATTACH, 0, {
		NUM(struct wwr_vgem_fence_attach, handle, GIVE_BUFFER),
		FLAGS(struct wwr_vgem_fence_attach, flags, 1),
		OUT(struct wwr_vgem_fence_attach, out_fence), PAD(struct wwr_vgem_fence_attach, pad)}},
	{"VGEM_FENCE_SIGNAL", ON_VGEM, WWR_IOCTL_VGEM_FENCE_SIGNAL, 0, {
		NUM(struct wwr_vgem_fence_signal, fence, GIVE_FENCE),
		FLAGS(struct wwr_vgem_fence_signal, flags, 0)}},
	{"GET_PARAM", ON_MOCK, WWR_IOCTL_GET_PARAM, 0, {
		NUM(struct wwr_drm_get_param, param, GIVE_1),
		NUM(struct wwr_drm_get_param, index, GIVE_2), PAD(struct wwr_drm_get_param, value)}},
	{"BO_CREATE", ON_MOCK, WWR_IOCTL_BO_CREATE, 0, {
		NUM(struct wwr_drm_bo_create, size, GIVE_1),
		M(struct wwr_drm_bo_create, domain, IS_FLAGS, 7, GIVE_2),
		FLAGS(struct wwr_drm_bo_create, flags, 0), PAD(struct wwr_drm_bo_create, handle),
		PAD(struct wwr_drm_bo_create, pad)}},
	{"BO_MAP", ON_MOCK, WWR_IOCTL_BO_MAP, 0, {
		NUM(struct wwr_drm_bo_map, handle, GIVE_BUFFER),
		FLAGS(struct wwr_drm_bo_map, flags, 0), PAD(struct wwr_drm_bo_map, offset)}},
	{"BO_INFO", ON_MOCK, WWR_IOCTL_BO_INFO, 0, {
		NUM(struct wwr_drm_bo_info, handle, GIVE_BUFFER),
		FLAGS(struct wwr_drm_bo_info, flags, 0), PAD(struct wwr_drm_bo_info, size),
		PAD(struct wwr_drm_bo_info, domain), PAD(struct wwr_drm_bo_info, pad),
		PAD(struct wwr_drm_bo_info, num_backoffs), PAD(struct wwr_drm_bo_info, wait_ns)}},
	{"BO_WAIT", ON_MOCK, WWR_IOCTL_BO_WAIT, 0, {
		NUM(struct wwr_drm_bo_wait, handle, GIVE_BUFFER),
		FLAGS(struct wwr_drm_bo_wait, flags, 7), NUM(struct wwr_drm_bo_wait, timeout_ns, GIVE_0),
		PAD(struct wwr_drm_bo_wait, deadline_ns)}},
	{"QUEUE_CREATE", ON_MOCK, WWR_IOCTL_QUEUE_CREATE, 0, {
		NUM(struct wwr_drm_queue_create, engines, GIVE_1),
		NUM(struct wwr_drm_queue_create, priority, GIVE_0),
		FLAGS(struct wwr_drm_queue_create, flags, 0),
		PAD(struct wwr_drm_queue_create, handle), PAD(struct wwr_drm_queue_create, pad)}},
	{"QUEUE_DESTROY", ON_MOCK, WWR_IOCTL_QUEUE_DESTROY, 0, {
		NUM(struct wwr_drm_queue_destroy, handle, GIVE_QUEUE),
		PAD(struct wwr_drm_queue_destroy, pad)}},
	{"SUBMIT", ON_MOCK, WWR_IOCTL_SUBMIT, 0, {
		FLAGS(submit_block, flags, 31), NUM(submit_block, queue, GIVE_QUEUE),
		PAD(submit_block, engine), NUM(submit_block, num_bos, GIVE_2),
		PTR(submit_block, bos, GIVE_BOS), NUM(submit_block, bo_stride, GIVE_8),
		NUM(submit_block, sync_stride, GIVE_16), NUM(submit_block, num_in_syncs, GIVE_1),
		NUM(submit_block, num_out_syncs, GIVE_2), PTR(submit_block, in_syncs, GIVE_SYNCS),
		PTR(submit_block, out_syncs, GIVE_SYNCS), NUM(submit_block, duration_ns, GIVE_0),
		NUM(submit_block, seed, GIVE_0), NUM(submit_block, label, GIVE_0),
		PAD(submit_block, in_fd), PAD(submit_block, out_fd), PAD(submit_block, commit),
		PAD(submit_block, stats), PAD(submit_block, stats_bytes), NUM(submit_block, retry_limit, GIVE_1),
		NUM(submit_block, interval_ns, GIVE_0)}},
	{"SUBMIT_STATS", ON_MOCK, WWR_IOCTL_SUBMIT, 0, {
		PTR_OUT(submit_block, stats, GIVE_FENCES), NUM(submit_block, stats_bytes, GIVE_56)}},
	{"QUEUE_SET", ON_MOCK, WWR_IOCTL_QUEUE_SET, 0, {
		NUM(struct wwr_drm_queue_set, handle, GIVE_QUEUE),
		NUM(struct wwr_drm_queue_set, property, GIVE_1),
		NUM(struct wwr_drm_queue_set, value, GIVE_1)}},
	{"QUEUE_BOND", ON_MOCK, WWR_IOCTL_QUEUE_BOND, 0, {
		NUM(struct wwr_drm_queue_bond, handle, GIVE_QUEUE),
		NUM(struct wwr_drm_queue_bond, master, GIVE_1),
		NUM(struct wwr_drm_queue_bond, engines, GIVE_1),
		FLAGS(struct wwr_drm_queue_bond, flags, 0), PAD(struct wwr_drm_queue_bond, pad)}},
	{"JOB_END", ON_MOCK, WWR_IOCTL_JOB_END, 0, {
		NUM(struct wwr_drm_job_end, commit, GIVE_JOB),
		FLAGS(struct wwr_drm_job_end, flags, 0), PAD(struct wwr_drm_job_end, pad)}},
	{"JOB_INFO", ON_MOCK, WWR_IOCTL_JOB_INFO, 0, {
		NUM(struct wwr_drm_job_info, syncobj, GIVE_JOB_SYNCOBJ),
		FLAGS(struct wwr_drm_job_info, flags, 0), PAD(struct wwr_drm_job_info, status),
		PAD(struct wwr_drm_job_info, engine), PAD(struct wwr_drm_job_info, commit),
		PAD(struct wwr_drm_job_info, label)}},
	{"DMA_BUF_SYNC", ON_DMA_BUF, DMA_BUF_IOCTL_SYNC, 0, {
		M(struct dma_buf_sync, flags, IS_FLAGS, 7, GIVE_1)}},
	{"DMA_BUF_EXPORT", ON_DMA_BUF, DMA_BUF_IOCTL_EXPORT_SYNC_FILE, 0, {
		M(struct dma_buf_export_sync_file, flags, IS_FLAGS, 3, GIVE_2),
		OUT_FD(struct dma_buf_export_sync_file, fd)}},
	{"DMA_BUF_IMPORT", ON_DMA_BUF, DMA_BUF_IOCTL_IMPORT_SYNC_FILE, 0, {
		M(struct dma_buf_import_sync_file, flags, IS_FLAGS, 3, GIVE_2),
		NUM(struct dma_buf_import_sync_file, fd, GIVE_SYNC_FD)}},
	{"DMA_BUF_SET_NAME", ON_DMA_BUF, DMA_BUF_SET_NAME_A, 0, {NUM(name_block, text, GIVE_0)}},
	{"SYNC_MERGE", ON_SYNC_FILE, SYNC_IOC_MERGE, 0, {
		NUM(struct sync_merge_data, fd2, GIVE_SYNC_FD), OUT_FD(struct sync_merge_data, fence),
		FLAGS(struct sync_merge_data, flags, 0), PAD(struct sync_merge_data, pad)}},
	{"SYNC_FILE_INFO", ON_SYNC_FILE, SYNC_IOC_FILE_INFO, 0, {
		OUT(struct sync_file_info, status), FLAGS(struct sync_file_info, flags, 0),
		NUM(struct sync_file_info, num_fences, GIVE_2), PAD(struct sync_file_info, pad),
		PTR_OUT(struct sync_file_info, sync_fence_info, GIVE_FENCES)}},
	{"SYNC_SET_DEADLINE", ON_SYNC_FILE, WWR_SYNC_IOC_SET_DEADLINE, 0, {
		NUM(struct wwr_sync_set_deadline, deadline_ns, GIVE_1),
		PAD(struct wwr_sync_set_deadline, pad)}},
	{"SW_SYNC_CREATE_FENCE", ON_SW_SYNC, WWR_SW_SYNC_IOC_CREATE_FENCE, 0, {
		NUM(struct wwr_sw_sync_create_fence, value, GIVE_0),
		OUT_FD(struct wwr_sw_sync_create_fence, fence)}},
	{"SW_SYNC_GET_DEADLINE", ON_SW_SYNC, WWR_SW_SYNC_IOC_GET_DEADLINE, 0, {
		PAD(struct wwr_sw_sync_get_deadline, deadline_ns),
		PAD(struct wwr_sw_sync_get_deadline, pad),
		NUM(struct wwr_sw_sync_get_deadline, fence_fd, GIVE_SYNC_FD)}},
	{"SW_SYNC_INC", ON_SW_SYNC, WWR_SW_SYNC_IOC_INC, 0, {NUM(inc_block, value, GIVE_0)}},
	OF_NO_DISPLAY(ON_VGEM),
	OF_NO_DISPLAY(ON_MOCK),
};
/* clang-format on */
const size_t hostile_num_ioctls = sizeof(hostile_ioctls) / sizeof(hostile_ioctls[0]);

bool hostile_is_known(int ret)
{
	static const int known[] = {0,	   EINVAL, ENOENT, EFAULT,     ENOMEM, ENOSPC,
				    EBADF, EBUSY,  EACCES, EOPNOTSUPP, ETIME,  EINTR,
				    E2BIG, ENOTTY, EMFILE, ETIMEDOUT,  EDEADLK};

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		if (ret == -known[i])
			return true;
	}
	return false;
}
