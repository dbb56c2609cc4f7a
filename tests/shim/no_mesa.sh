#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# no_mesa.sh: stands for a test that could not be built.
echo 'no Mesa to test with (Debian: libgbm-dev libegl-dev libgles-dev libgl1-mesa-dri)'
exit 77
