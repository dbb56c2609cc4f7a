#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# install.sh ROOT BUILD: a staged installation is enough to compile and run each example.
set -euo pipefail

root=$1
build=$2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

DESTDIR=$work/stage meson install -C "$build" --no-rebuild --quiet
pc=$(find "$work/stage" -name wwresv.pc)
[ -n "$pc" ] || { echo 'wwresv.pc is not installed'; exit 1; }
export PKG_CONFIG_LIBDIR=${pc%/*} PKG_CONFIG_SYSROOT_DIR=$work/stage
LD_LIBRARY_PATH=$(dirname "${pc%/*}")
export LD_LIBRARY_PATH

# compile FILE PACKAGE: as an embedder does, with nothing of the source tree in reach.
compile() {
	# shellcheck disable=SC2046 # flags
	cc -std=gnu11 -Wall -Wextra -Werror -pthread -o "$work/program" "$1" \
		$(pkg-config --cflags --libs "$2")
}

cd "$work"
for example in "$root"/examples/*.c; do
	echo "== ${example##*/}"
	cp "$example" example.c
	package=wwresv
	! grep -qE '#include <wwresv/(sched|mm|device)' example.c || package=wwresv-drm
	compile example.c "$package"
	./program
done

cat >device.c <<'EOF'
#include <wwresv/device.h>
int main(void)
{
	struct wwr_device_config config;
	struct wwr_device *device;

	wwr_device_config_init(&config);
	if (wwr_device_create(&config, &device) != 0)
		return 1;
	wwr_device_destroy(device);
	return 0;
}
EOF
compile device.c wwresv-drm
./program

library=$(find "$work/stage" -name libwwresv-shim.so)
tool=$(find "$work/stage" -name wwresv -type f -perm -u+x)
WWRESV_SHIM_LIBRARY=$library "$tool" run -- ls -d /dev/dri/card1

printf '#include <wwresv/wwresv.h>\n#include "lockset/park.h"\nint main(void) { return 0; }\n' >bad.c
if compile bad.c wwresv 2>/dev/null; then
	echo 'a private header is in reach of an embedder'
	exit 1
fi
for header in $(cd "$root/include" && find . -name '*.h'); do
	[ -e "$work/stage$(pkg-config --variable=includedir wwresv)/$header" ] ||
		[ -e "$(pkg-config --variable=includedir wwresv)/$header" ] ||
		{ echo "not installed: $header"; exit 1; }
done
