#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Lets clang look at each source file of a build folder, without making code.

usage: syntax.py BUILD JOBS

The warnings asked for here are errors.  Prints a row for tools/check; what clang says goes to
stderr.  One process looks at many files: to start clang costs more than most files do.
"""
import json
import os
import shlex
import subprocess
import sys
import tempfile
import time

WARNINGS = ['-Wdocumentation', '-Werror', '-fno-color-diagnostics', '-fmacro-backtrace-limit=1']
# A test takes locks on purpose in ways that the analysis of threads does not follow, and Criterion's
# macros compare whatever they are given.
TESTS = ['-Wno-sign-compare']
OTHERS = ['-Wthread-safety']


def kind(entry):
    """Targets that compile the same file with the same definitions are all alike."""
    words = shlex.split(entry['command'])
    return entry['file'], tuple(word for word in words if word.startswith('-D'))


def with_warnings(entry):
    more = WARNINGS + (TESTS if '/tests/' in entry['file'] else OTHERS)
    return dict(entry, command=entry['command'] + ' ' + ' '.join(more))


def generate(build):
    """What is generated must be there, and nothing else."""
    rules = subprocess.run(['ninja', '-C', build, '-t', 'targets', 'all'], check=True,
                           capture_output=True, text=True).stdout
    generated = [line.split(':')[0] for line in rules.splitlines()
                 if line.endswith(': CUSTOM_COMMAND') and line.split(':')[0].endswith(('.c', '.h'))]
    subprocess.run(['ninja', '-C', build, *generated], check=True, stdout=subprocess.DEVNULL)


def start(entries, folder):
    """Entries of one file go to one process, which looks at each of them."""
    os.mkdir(folder)
    with open(folder + '/compile_commands.json', 'w', encoding='utf-8') as file:
        json.dump(entries, file)
    names = sorted({os.path.join(entry['directory'], entry['file']) for entry in entries})
    said = open(folder + '/said', 'w+', encoding='utf-8')  # pylint: disable=consider-using-with
    return subprocess.Popen(['clang-check-14', '-p', folder, *names], stdout=said, stderr=said), said


def look(entries, jobs):
    """How many of the entries have an error."""
    bad = 0
    with tempfile.TemporaryDirectory() as folder:
        by_file = {}
        for entry in entries:
            by_file.setdefault(entry['file'], []).append(with_warnings(entry))
        groups = list(by_file.values())
        parts = [sum(groups[i::jobs], []) for i in range(min(jobs, len(groups)))]
        for process, said in [start(part, f'{folder}/{i}') for i, part in enumerate(parts)]:
            status = process.wait()
            said.seek(0)
            text = said.read()
            said.close()
            found = text.count('Error while processing ')
            bad += max(found, status != 0)
            if found or status:
                print(text, file=sys.stderr)
    return bad


def main(build, jobs):
    begun = time.monotonic()
    generate(build)
    with open(build + '/compile_commands.json', encoding='utf-8') as file:
        entries = [entry for entry in json.load(file) if ' -o ' in entry['command']]
    entries = list({kind(entry): entry for entry in entries}.values())
    bad = look(entries, int(jobs))
    print('clang/files\t%d\t%d\t%d\t%.1f' % (len(entries), len(entries), bad,
                                             time.monotonic() - begun))
    return bad > 0 or not entries


if __name__ == '__main__':
    sys.exit(main(*sys.argv[1:3]) if len(sys.argv) == 3 else __doc__)
