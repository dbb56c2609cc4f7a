/* SPDX-License-Identifier: MIT */
/* Linked without the loader. */
int main(void)
{
	return 4;
}
