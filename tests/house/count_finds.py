#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""count_finds.py ROOT: tools/lib/count.py counts passes, failures and skips as they are."""
import contextlib
import importlib.util
import io
import json
import os
import sys
import tempfile

spec = importlib.util.spec_from_file_location('count', sys.argv[1] + '/tools/lib/count.py')
count = importlib.util.module_from_spec(spec)
sys.dont_write_bytecode = True
spec.loader.exec_module(count)
work = tempfile.TemporaryDirectory()
os.chdir(work.name)


def counts(expected, entry, lane='lane', canary=False):
    """expected: done, goal, failed, skipped."""
    with open('meson-logs/log', 'w', encoding='utf-8') as log:
        log.write(json.dumps(entry) + '\n')
    with contextlib.suppress(FileNotFoundError):
        os.remove('rows.tsv')
    with contextlib.redirect_stderr(io.StringIO()):
        count.main(lane, 'meson-logs/log', '.', expected_file='expected' if canary else None)
    with open('rows.tsv', encoding='utf-8') as rows:
        got = tuple(map(int, rows.read().split('\t')[1:5]))
    if got != expected:
        sys.exit('counted %s, not %s, in %s' % (got, expected, entry))


def entry(result, status, output='', name='t'):
    return {'name': 'suite / ' + name, 'result': result, 'returncode': status, 'stdout': output,
            'duration': 1}


def holds(condition, what):
    if not condition:
        sys.exit(what)


os.mkdir('meson-logs')
os.mkdir('meson-info')
counts((1, 1, 0, 0), entry('OK', 0))
counts((1, 1, 1, 0), entry('FAIL', 1))
counts((1, 1, 1, 0), entry('TIMEOUT', -15))
counts((0, 1, 0, 1), entry('SKIP', 77, 'no data'))
counts((3, 3, 0, 0), entry('OK', 0, 'TAP version 13\n1..3\nok - a (0.0s)\nok 2 b\nok 3'))
counts((2, 3, 1, 1), entry('FAIL', 1, '1..3\nok - a\nnot ok - b\nok - c  # SKIP no data'))
counts((3, 3, 1, 0), entry('OK', 0, '1..3\nok - a\nok - b'))
counts((1, 1, 1, 0), entry('OK', 0, '1..1\nok - s::t  # SKIP test was skipped'))
counts((2, 2, 1, 0), entry('FAIL', 1, '1..1\nok - leaks, but says it is well'))
counts((1, 1, 1, 0), entry('OK', 0, '1..0'))

# TAP without a plan, and no TAP where there should be some.
counts((2, 2, 1, 0), entry('OK', 0, 'ok 1 - of how many?'))
with open('meson-info/intro-tests.json', 'w', encoding='utf-8') as intro:
    json.dump([{'name': 'tap', 'protocol': 'tap', 'cmd': ['/x/stress']},
               {'name': 'criterion', 'protocol': 'exitcode', 'cmd': ['/x/test_mutex']},
               {'name': 't', 'protocol': 'exitcode', 'cmd': ['/x/layers.sh']}], intro)
counts((1, 1, 0, 0), entry('OK', 0))
counts((1, 1, 1, 0), entry('OK', 0, name='criterion'))
counts((1, 1, 1, 0), entry('SKIP', 0, name='tap'))
counts((0, 1, 0, 1), entry('SKIP', 77, 'no data', 'tap'))
counts((1, 1, 0, 0), entry('OK', 0, '1..1\nok 1', 'criterion'))

# A canary must fail, and as it is meant to.
with open('expected', 'w', encoding='utf-8') as expected_file:
    expected_file.write('# name lanes pattern\nt * on purp..e\nt other another way\n'
                        'early * 1 results missing\n')
counts((1, 1, 0, 0), entry('FAIL', 1, '1..1\nnot ok 1\n# on purpose'), canary=True)
counts((1, 1, 1, 0), entry('OK', 0, '1..1\nok 1'), canary=True)
counts((1, 1, 1, 0), entry('OK', 0, '1..1\nok 1 on purpose'), canary=True)
counts((1, 1, 1, 0), entry('FAIL', 127, 'not found'), canary=True)
counts((1, 1, 1, 0), entry('TIMEOUT', -15), canary=True)
counts((1, 1, 1, 0), entry('FAIL', 1, '1..1\nnot ok 1 on purpose', 'unheard_of'), canary=True)
counts((1, 1, 0, 0), entry('OK', 0, '1..2\nok 1', 'early'), canary=True)
counts((1, 1, 1, 0), entry('FAIL', 1, 'on purpose'), lane='other-gcc', canary=True)
counts((1, 1, 0, 0), entry('FAIL', 1, 'another way'), lane='other-gcc', canary=True)

# What failed is kept for the end, with the lines that say why.
os.remove('failures.txt')
counts((2, 2, 1, 0), entry('FAIL', 1, '1..2\nnot ok 1 - wrong sum\n  expected 4\nok 2\n' +
                           '\n'.join(map(str, range(1, 101)))))
with open('failures.txt', encoding='utf-8') as failures:
    lines = failures.read().splitlines()
for line in ('FAILED lane: t: wrong sum', '    not ok 1 - wrong sum', '      expected 4', '    100'):
    holds(line in lines, 'failures.txt lacks: ' + line)
holds(len(lines) == 11, 'failures.txt has %d lines' % len(lines))
