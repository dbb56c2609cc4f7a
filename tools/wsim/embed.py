#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Write the built-in workloads as a C table: embed.py OUTPUT NAME.wsim..."""
import pathlib
import sys


def c_string(text):
    escaped = text.replace('\\', '\\\\').replace('"', '\\"')
    return '"' + escaped.replace('\n', '\\n') + '"'


def entry(path):
    text = path.read_text(encoding='ascii')
    first = text.split('\n', 1)[0]
    if not first.startswith('# '):
        sys.exit(f'{path}: the first line must be a comment that describes the workload')
    lines = '\n'.join('\t ' + c_string(line) for line in text.splitlines(keepends=True))
    return (f'\t{{.name = {c_string(path.stem)},\n\t .description = {c_string(first[2:])},\n'
            f'\t .len = {len(text)},\n\t .text =\n{lines}}},\n')


def main():
    paths = sorted((pathlib.Path(name) for name in sys.argv[2:]), key=lambda path: path.stem)
    with open(sys.argv[1], 'w', encoding='ascii') as out:
        out.write('/* SPDX-License-Identifier: MIT */\n/* Made by embed.py. */\n')
        out.write('#include "wsim.h"\n#include "builtin.h"\n\n')
        out.write('const struct wsim_builtin wsim_builtins[] = {\n')
        out.writelines(entry(path) for path in paths)
        out.write(f'}};\n\nconst size_t wsim_num_builtins = {len(paths)};\n')


main()
