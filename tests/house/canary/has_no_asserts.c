/* SPDX-License-Identifier: MIT */
/* Must fail in the release lane: there assert() is compiled out. */
int main(void)
{
#if defined(NDEBUG) && defined(__OPTIMIZE__)
	return 1;
#else
	return 0;
#endif
}
