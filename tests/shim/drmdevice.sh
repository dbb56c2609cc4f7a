#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# drmdevice.sh WWRESV: the distribution's drmdevice lists both devices, each by all of its nodes.
set -euo pipefail

command -v drmdevice >/dev/null || { echo 'no drmdevice here (Debian: libdrm-tests)'; exit 77; }
out=$("$1" run -- drmdevice)
echo "$out"
grep -qx -- '--- Devices reported 2 ---' <<<"$out"
# Once in the list, and once for each of its two nodes.
[ "$(grep -c 'fullname.wwrmock$' <<<"$out")" = 3 ]
[ "$(grep -c 'fullname.vgem$' <<<"$out")" = 3 ]
for node in card0 card1 renderD128 renderD129; do
	grep -q "Opening device node /dev/dri/$node " <<<"$out"
done
