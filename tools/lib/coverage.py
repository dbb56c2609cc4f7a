#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Which branches of the libraries the tests took, compared with what docs/coverage.md admits.

usage: coverage.py ROOT BUILD [--print]

Prints rows for tools/check: CHECK DONE GOAL VIOLATIONS SECONDS with tabs, where done is percent of
all branches and a violation is a branch that was not taken and, where that is asked for, is not in
docs/coverage.md.  With --print it prints the lines for that file instead, without their reasons.

Counted are the branches that gcc makes of the sources of a library, without those of an assert()
and those that gcovr finds unreachable.  The schedule explorer and the fuzz targets compile the
sources in other ways; what they take does not count.
"""
import json
import os
import re
import subprocess
import sys
import time

GOALS = {'lockset': 95, 'reservation': 95}
# Here each branch that is not taken must be in docs/coverage.md.
LISTED = ('lockset',)
LINE = re.compile(r'^- `([^`]+)`: `(.*)`(?: \((\d+)\))?: (\S.*)$')


def assert_lines(text):
    """Numbers of the lines that belong to an assert()."""
    found, depth = set(), 0
    for number, line in enumerate(text, 1):
        if depth > 0 or re.match(r'\s*assert\(', line):
            found.add(number)
            depth += line.count('(') - line.count(')')
    return found


def measure(root, build):
    """{library: [taken, all, {(file, text): not taken}]}"""
    report = subprocess.run(
        ['gcovr', '--root', root, '--object-directory', build, '--json', '-',
         '--exclude-unreachable-branches', '--gcov-ignore-parse-errors',
         '--exclude-directories', '.*tests/(explore|fuzz)(/.*)?',
         *sum((['--filter', root + '/' + library + '/'] for library in GOALS), []), build],
        check=True, capture_output=True, text=True).stdout
    found = {library: [0, 0, {}] for library in GOALS}
    for file in json.loads(report)['files']:
        of_library = found[file['file'].split('/')[0]]
        with open(root + '/' + file['file'], encoding='utf-8') as source:
            text = source.read().splitlines()
        asserts = assert_lines(text)
        for line in file['lines']:
            branches = [] if line['line_number'] in asserts else line.get('branches', [])
            missed = sum(branch['count'] == 0 for branch in branches)
            of_library[0] += len(branches) - missed
            of_library[1] += len(branches)
            if missed:
                key = file['file'], text[line['line_number'] - 1].strip().replace('`', "'")
                of_library[2][key] = of_library[2].get(key, 0) + missed
    return found


def read_admitted(path):
    admitted = {}
    with open(path, encoding='utf-8') as file:
        for line in file:
            match = LINE.match(line)
            if match:
                key = match.group(1), match.group(2)
                admitted[key] = admitted.get(key, 0) + int(match.group(3) or 1)
            elif line.startswith('- '):
                sys.exit('coverage.py: not of the right form: ' + line)
    return admitted


def main(root, build, only_print=False):
    start = time.monotonic()
    found = measure(root, build)
    admitted = {} if only_print else read_admitted(root + '/docs/coverage.md')
    bad = False
    for library, (taken, total, missed) in sorted(found.items()):
        unlisted = 0
        for key, num in sorted(missed.items()):
            if only_print:
                print('- `%s`: `%s`%s: ' % (*key, ' (%d)' % num if num > 1 else ''))
            more = num - admitted.get(key, 0)
            if more > 0 and not only_print and library in LISTED:
                unlisted += more
                print('%s: %d branch(es) not taken and not in docs/coverage.md: %s'
                      % (key[0], more, key[1]), file=sys.stderr)
        percent = int(1000 * taken / max(total, 1)) / 10
        print('%s: %d of %d branches' % (library, taken, total), file=sys.stderr)
        if not only_print:
            print('coverage/%s\t%.1f\t%d\t%d\t%.1f' % (library, percent, GOALS[library], unlisted,
                                                      time.monotonic() - start))
        bad = bad or unlisted or percent < GOALS[library]
    return 1 if bad and not only_print else 0


if __name__ == '__main__':
    if len(sys.argv) not in (3, 4):
        sys.exit(__doc__)
    sys.exit(main(*map(os.path.realpath, sys.argv[1:3]), only_print='--print' in sys.argv[3:]))
