/* SPDX-License-Identifier: MIT */
/*
 * An EGL and GLES program: Mesa's software driver renders to an image on one device, exports it,
 * and a second device imports it, samples it and reads it back.
 */
#include "tests/shim/client.h"

#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <EGL/egl.h>
#include <EGL/eglext.h>
#include <GLES2/gl2.h>
#include <GLES2/gl2ext.h>
#include <drm_fourcc.h>
#include <gbm.h>

#define SIZE 32

/* One device with a context that is current while it is used. */
struct side {
	int fd;
	struct gbm_device *gbm;
	EGLDisplay display;
	EGLContext context;
};

static PFNEGLCREATEIMAGEKHRPROC create_image;
static PFNEGLDESTROYIMAGEKHRPROC destroy_image;
static PFNGLEGLIMAGETARGETTEXTURE2DOESPROC image_to_texture;

static bool side_use(struct side *side)
{
	return eglMakeCurrent(side->display, EGL_NO_SURFACE, EGL_NO_SURFACE, side->context) ==
	       EGL_TRUE;
}

static bool side_open(struct side *side, const char *driver)
{
	static const EGLint config_wish[] = {EGL_RENDERABLE_TYPE, EGL_OPENGL_ES2_BIT,
					     EGL_SURFACE_TYPE, EGL_WINDOW_BIT, EGL_NONE};
	static const EGLint context_wish[] = {EGL_CONTEXT_CLIENT_VERSION, 2, EGL_NONE};
	EGLConfig config;
	EGLint num = 0;

	side->fd = client_open(driver, false);
	side->gbm = gbm_create_device(side->fd);
	if (side->gbm == NULL)
		return false;
	side->display = eglGetPlatformDisplay(EGL_PLATFORM_GBM_KHR, side->gbm, NULL);
	if (side->display == EGL_NO_DISPLAY || !eglInitialize(side->display, NULL, NULL))
		return false;
	eglBindAPI(EGL_OPENGL_ES_API);
	if (!eglChooseConfig(side->display, config_wish, &config, 1, &num) || num == 0)
		return false;
	side->context = eglCreateContext(side->display, config, EGL_NO_CONTEXT, context_wish);
	return side->context != EGL_NO_CONTEXT && side_use(side);
}

static void side_close(struct side *side)
{
	eglMakeCurrent(side->display, EGL_NO_SURFACE, EGL_NO_SURFACE, EGL_NO_CONTEXT);
	eglDestroyContext(side->display, side->context);
	eglTerminate(side->display);
	gbm_device_destroy(side->gbm);
	close(side->fd);
}

/* A dma-buf as a texture of the current context. */
static EGLImageKHR import(struct side *side, int dma_buf, uint32_t stride, GLuint *ret_texture)
{
	const EGLint wish[] = {EGL_WIDTH,
			       SIZE,
			       EGL_HEIGHT,
			       SIZE,
			       EGL_LINUX_DRM_FOURCC_EXT,
			       DRM_FORMAT_ARGB8888,
			       EGL_DMA_BUF_PLANE0_FD_EXT,
			       dma_buf,
			       EGL_DMA_BUF_PLANE0_OFFSET_EXT,
			       0,
			       EGL_DMA_BUF_PLANE0_PITCH_EXT,
			       (EGLint)stride,
			       EGL_NONE};
	EGLImageKHR image =
	    create_image(side->display, EGL_NO_CONTEXT, EGL_LINUX_DMA_BUF_EXT, NULL, wish);

	if (image == EGL_NO_IMAGE_KHR)
		return image;
	glGenTextures(1, ret_texture);
	glBindTexture(GL_TEXTURE_2D, *ret_texture);
	glTexParameteri(GL_TEXTURE_2D, GL_TEXTURE_MIN_FILTER, GL_NEAREST);
	glTexParameteri(GL_TEXTURE_2D, GL_TEXTURE_MAG_FILTER, GL_NEAREST);
	image_to_texture(GL_TEXTURE_2D, image);
	return image;
}

static bool target(GLuint texture)
{
	GLuint framebuffer;

	glGenFramebuffers(1, &framebuffer);
	glBindFramebuffer(GL_FRAMEBUFFER, framebuffer);
	glFramebufferTexture2D(GL_FRAMEBUFFER, GL_COLOR_ATTACHMENT0, GL_TEXTURE_2D, texture, 0);
	glViewport(0, 0, SIZE, SIZE);
	return glCheckFramebufferStatus(GL_FRAMEBUFFER) == GL_FRAMEBUFFER_COMPLETE;
}

/* Blue, and a quarter of it green. */
static void render(void)
{
	glClearColor(0, 0, 1, 1);
	glClear(GL_COLOR_BUFFER_BIT);
	glEnable(GL_SCISSOR_TEST);
	glScissor(0, 0, SIZE / 2, SIZE / 2);
	glClearColor(0, 1, 0, 1);
	glClear(GL_COLOR_BUFFER_BIT);
	glDisable(GL_SCISSOR_TEST);
	glFinish();
}

static uint32_t expected(int x, int y)
{
	return x < SIZE / 2 && y < SIZE / 2 ? 0xff00ff00u : 0xff0000ffu;
}

/* As the processor finds them: 0xaarrggbb. */
static bool has_pixels(int dma_buf, uint32_t stride)
{
	size_t size_bytes = (size_t)stride * SIZE;
	uint8_t *bytes = mmap(NULL, size_bytes, PROT_READ, MAP_SHARED, dma_buf, 0);
	bool ok = bytes != MAP_FAILED;

	for (int i = 0; ok && i < SIZE * SIZE; i++) {
		int x = i % SIZE, y = i / SIZE;
		uint32_t pixel = ((const uint32_t *)(const void *)(bytes + y * stride))[x];

		if (pixel != expected(x, y)) {
			tap_note("%d,%d is %08x", x, y, pixel);
			ok = false;
		}
	}
	if (bytes != MAP_FAILED)
		munmap(bytes, size_bytes);
	return ok;
}

static bool reads_back(void)
{
	uint8_t pixels[SIZE * SIZE * 4];

	glReadPixels(0, 0, SIZE, SIZE, GL_RGBA, GL_UNSIGNED_BYTE, pixels);
	for (int i = 0; i < SIZE * SIZE; i++) {
		const uint8_t *p = &pixels[(size_t)i * 4];
		uint32_t pixel =
		    (uint32_t)p[3] << 24 | (uint32_t)p[0] << 16 | (uint32_t)p[1] << 8 | p[2];

		if (pixel != expected(i % SIZE, i / SIZE)) {
			tap_note("%d,%d reads %08x", i % SIZE, i / SIZE, pixel);
			return false;
		}
	}
	return true;
}

static GLuint compile(GLenum type, const char *text)
{
	GLuint shader = glCreateShader(type);

	glShaderSource(shader, 1, &text, NULL);
	glCompileShader(shader);
	return shader;
}

/* The texture onto a framebuffer of the context's own, by shaders. */
static bool sample(GLuint texture)
{
	static const GLfloat corners[] = {-1, -1, 1, -1, -1, 1, 1, 1};
	GLuint program = glCreateProgram();
	GLuint own;

	glGenTextures(1, &own);
	glBindTexture(GL_TEXTURE_2D, own);
	glTexImage2D(GL_TEXTURE_2D, 0, GL_RGBA, SIZE, SIZE, 0, GL_RGBA, GL_UNSIGNED_BYTE, NULL);
	if (!target(own))
		return false;
	glAttachShader(program, compile(GL_VERTEX_SHADER, "attribute vec2 at; varying vec2 where;\n"
							  "void main() { where = at * 0.5 + 0.5;\n"
							  "gl_Position = vec4(at, 0.0, 1.0); }\n"));
	glAttachShader(program,
		       compile(GL_FRAGMENT_SHADER,
			       "precision mediump float; varying vec2 where;\n"
			       "uniform sampler2D image;\n"
			       "void main() { gl_FragColor = texture2D(image, where); }\n"));
	glBindAttribLocation(program, 0, "at");
	glLinkProgram(program);
	glUseProgram(program);
	glBindTexture(GL_TEXTURE_2D, texture);
	glVertexAttribPointer(0, 2, GL_FLOAT, GL_FALSE, 0, corners);
	glEnableVertexAttribArray(0);
	glDrawArrays(GL_TRIANGLE_STRIP, 0, 4);
	return glGetError() == GL_NO_ERROR;
}

static void run(struct side *from, struct side *to)
{
	struct gbm_bo *bo = gbm_bo_create(from->gbm, SIZE, SIZE, GBM_FORMAT_ARGB8888,
					  GBM_BO_USE_RENDERING | GBM_BO_USE_LINEAR);
	int dma_buf = bo != NULL ? gbm_bo_get_fd(bo) : -1;
	uint32_t stride = bo != NULL ? gbm_bo_get_stride(bo) : 0;
	EGLImageKHR image, other_image;
	GLuint texture, other_texture;

	tap_ok(dma_buf >= 0, "a buffer of the first device, exported");
	image = import(from, dma_buf, stride, &texture);
	tap_ok(image != EGL_NO_IMAGE_KHR && target(texture), "it is a target");
	render();
	tap_ok(has_pixels(dma_buf, stride), "what was rendered is in the dma-buf");
	tap_ok(reads_back(), "and glReadPixels() finds it");
	tap_ok(side_use(to), "the second device");
	other_image = import(to, dma_buf, stride, &other_texture);
	tap_ok(other_image != EGL_NO_IMAGE_KHR, "imports it");
	tap_ok(sample(other_texture) && reads_back(), "samples it, and finds the same");
	destroy_image(to->display, other_image);
	(void)side_use(from);
	destroy_image(from->display, image);
	close(dma_buf);
	gbm_bo_destroy(bo);
}

int main(void)
{
	struct side from = {.fd = -1}, to = {.fd = -1};

	tap_plan(9);
	tap_ok(side_open(&to, "vgem"), "EGL on the second device: error %#x", eglGetError());
	tap_ok(side_open(&from, "wwrmock"), "and on the first: error %#x", eglGetError());
	create_image = (PFNEGLCREATEIMAGEKHRPROC)eglGetProcAddress("eglCreateImageKHR");
	destroy_image = (PFNEGLDESTROYIMAGEKHRPROC)eglGetProcAddress("eglDestroyImageKHR");
	image_to_texture =
	    (PFNGLEGLIMAGETARGETTEXTURE2DOESPROC)eglGetProcAddress("glEGLImageTargetTexture2DOES");
	if (from.context != NULL && to.context != NULL) {
		tap_note("%s", (const char *)glGetString(GL_RENDERER));
		run(&from, &to);
		side_close(&from);
		side_close(&to);
	}
	return tap_exit();
}
