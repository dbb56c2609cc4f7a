#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Lets the compiler of a build folder look at each source file, without making code.

usage: syntax.py BUILD JOBS

The warnings asked for here are errors.  Prints a row for tools/check; what the compiler says goes
to stderr.
"""
import concurrent.futures
import json
import shlex
import subprocess
import sys
import time

WARNINGS = ['-Wdocumentation', '-Werror', '-fno-color-diagnostics', '-fmacro-backtrace-limit=1']
# A test takes locks on purpose in ways that the analysis of threads does not follow, and Criterion's
# macros compare whatever they are given.
TESTS = ['-Wno-sign-compare']
OTHERS = ['-Wthread-safety']


def look(entry):
    command = shlex.split(entry['command'])
    at = command.index('-o')
    del command[at:at + 2]
    more = WARNINGS + (TESTS if '/tests/' in entry['file'] else OTHERS)
    result = subprocess.run(command + more + ['-fsyntax-only'], cwd=entry['directory'],
                            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    return result.returncode, entry['file'], result.stdout.decode(errors='replace')


def kind(entry):
    """Targets that compile the same file with the same definitions are all alike."""
    words = shlex.split(entry['command'])
    return entry['file'], tuple(word for word in words if word.startswith('-D'))


def main(build, jobs):
    start = time.monotonic()
    # What is generated must be there, and nothing else.
    rules = subprocess.run(['ninja', '-C', build, '-t', 'targets', 'all'], check=True,
                           capture_output=True, text=True).stdout
    generated = [line.split(':')[0] for line in rules.splitlines()
                 if line.endswith(': CUSTOM_COMMAND') and line.split(':')[0].endswith(('.c', '.h'))]
    subprocess.run(['ninja', '-C', build, *generated], check=True, stdout=subprocess.DEVNULL)
    with open(build + '/compile_commands.json', encoding='utf-8') as file:
        entries = [entry for entry in json.load(file) if ' -o ' in entry['command']]
    entries = list({kind(entry): entry for entry in entries}.values())
    bad = 0
    with concurrent.futures.ThreadPoolExecutor(int(jobs)) as pool:
        for status, name, said in pool.map(look, entries):
            if status:
                bad += 1
                print('--- %s\n%s' % (name, said), file=sys.stderr)
    print('clang/files\t%d\t%d\t%d\t%.1f' % (len(entries), len(entries), bad,
                                             time.monotonic() - start))
    return bad > 0 or not entries


if __name__ == '__main__':
    sys.exit(main(*sys.argv[1:3]) if len(sys.argv) == 3 else __doc__)
