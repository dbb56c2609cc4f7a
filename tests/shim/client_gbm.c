/* SPDX-License-Identifier: MIT */
/* A GBM program: buffers of Mesa's software driver, written by one device and read by the other. */
#include "tests/shim/client.h"

#include <gbm.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <xf86drm.h>

#define WIDTH  64
#define HEIGHT 48

static uint32_t color(uint32_t x, uint32_t y)
{
	return 0xff000000u | x << 16 | y << 8 | (x ^ y);
}

static bool draw(struct gbm_bo *bo)
{
	uint32_t stride;
	void *map_data = NULL;
	uint8_t *bytes =
	    gbm_bo_map(bo, 0, 0, WIDTH, HEIGHT, GBM_BO_TRANSFER_WRITE, &stride, &map_data);

	if (bytes == NULL)
		return false;
	for (uint32_t y = 0; y < HEIGHT; y++) {
		uint32_t *row = (void *)(bytes + (size_t)y * stride);

		for (uint32_t x = 0; x < WIDTH; x++)
			row[x] = color(x, y);
	}
	gbm_bo_unmap(bo, map_data);
	return true;
}

static bool has_colors(const uint8_t *bytes, uint32_t stride)
{
	for (uint32_t y = 0; y < HEIGHT; y++) {
		const uint32_t *row = (const void *)(bytes + (size_t)y * stride);

		for (uint32_t x = 0; x < WIDTH; x++) {
			if (row[x] != color(x, y)) {
				tap_note("%u,%u is %08x", x, y, row[x]);
				return false;
			}
		}
	}
	return true;
}

/* By the descriptor alone, without Mesa. */
static bool check_bytes(int dma_buf, uint32_t stride)
{
	size_t size_bytes = (size_t)stride * HEIGHT;
	uint8_t *bytes = mmap(NULL, size_bytes, PROT_READ, MAP_SHARED, dma_buf, 0);
	bool ok = bytes != MAP_FAILED && has_colors(bytes, stride);

	if (bytes != MAP_FAILED)
		munmap(bytes, size_bytes);
	return ok;
}

static bool check_import(struct gbm_device *device, int dma_buf, uint32_t stride)
{
	struct gbm_import_fd_data data = {.fd = dma_buf,
					  .width = WIDTH,
					  .height = HEIGHT,
					  .stride = stride,
					  .format = GBM_FORMAT_ARGB8888};
	struct gbm_bo *bo = gbm_bo_import(device, GBM_BO_IMPORT_FD, &data, GBM_BO_USE_RENDERING);
	uint32_t map_stride;
	void *map_data = NULL;
	uint8_t *bytes;
	bool ok;

	if (bo == NULL)
		return false;
	bytes = gbm_bo_map(bo, 0, 0, WIDTH, HEIGHT, GBM_BO_TRANSFER_READ, &map_stride, &map_data);
	ok = bytes != NULL && has_colors(bytes, map_stride);
	if (bytes != NULL)
		gbm_bo_unmap(bo, map_data);
	gbm_bo_destroy(bo);
	return ok;
}

int main(void)
{
	int fd = client_open("wwrmock", false);
	int other_fd = client_open("vgem", false);
	struct gbm_device *device = gbm_create_device(fd);
	struct gbm_device *other = gbm_create_device(other_fd);
	struct gbm_bo *bo = NULL;
	int dma_buf = -1;

	tap_plan(6);
	tap_ok(device != NULL && other != NULL, "two GBM devices");
	if (device == NULL || other == NULL)
		return tap_exit();
	tap_note("backend %s", gbm_device_get_backend_name(device));
	bo = gbm_bo_create(device, WIDTH, HEIGHT, GBM_FORMAT_ARGB8888,
			   GBM_BO_USE_RENDERING | GBM_BO_USE_LINEAR);
	tap_ok(bo != NULL, "a buffer");
	if (bo == NULL)
		return tap_exit();
	tap_ok(draw(bo), "is drawn to");
	dma_buf = gbm_bo_get_fd(bo);
	tap_ok(dma_buf >= 0, "and exported");
	tap_ok(check_bytes(dma_buf, gbm_bo_get_stride(bo)), "its bytes are right");
	tap_ok(check_import(other, dma_buf, gbm_bo_get_stride(bo)),
	       "so are they on the other device");
	close(dma_buf);
	gbm_bo_destroy(bo);
	gbm_device_destroy(device);
	gbm_device_destroy(other);
	close(fd);
	close(other_fd);
	return tap_exit();
}
