/* SPDX-License-Identifier: MIT */
/* Must fail where assert() is compiled in, which is every lane but release. */
#include <assert.h>

int main(void)
{
	assert(0 && "on purpose");
	return 0;
}
