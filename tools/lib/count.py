#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Counts the results in a meson testlog.json.

usage: count.py LANE TESTLOG ROWS SKIPS [--canary]

Appends to ROWS a line `lane/suite <tab> done <tab> goal <tab> failed <tab> skipped <tab> seconds`
for each suite, and to SKIPS a line for each skipped test with its reason.  Details of failures go
to stderr.  A program that prints TAP (Criterion does, under CRITERION_OUTPUTS=tap:-) counts test
by test; any other counts as one.  With --canary every program must fail: one that passes counts
as a failure, one that fails as a pass.
"""
import json
import re
import sys

LINE = re.compile(r'^(not )?ok\b[ \d]*(?:- *)?(.*)$')
SKIP = re.compile(r'#\s*SKIP\b:?\s*(.*)$', re.IGNORECASE)
PLAN = re.compile(r'^1\.\.(\d+)', re.MULTILINE)
DISABLED = 'test was skipped'


class Result:
    def __init__(self, entry):
        name = entry['name'].split(' / ')
        self.name = name[-1]
        self.suite = name[0].split(':')[-1].split('+')[0] if len(name) > 1 else '-'
        self.seconds = entry.get('duration') or 0.0
        self.text = entry.get('stdout', '') + entry.get('stderr', '')
        self.passed = self.failed = self.goal = 0
        self.skips = []
        self.bad = []
        self.count(entry)

    def count(self, entry):
        out = entry.get('stdout', '')
        plan = PLAN.search(out)
        if plan:
            self.count_tap(out)
            self.goal = max(int(plan.group(1)), self.passed + self.failed + len(self.skips))
            lost = self.goal - self.passed - self.failed - len(self.skips)
            if lost:
                self.failed += lost
                self.bad.append('%d results missing of %d planned' % (lost, self.goal))
            if self.goal == 0:
                self.fail('it holds no test')
        elif entry['result'] == 'SKIP':
            self.skips = [(entry.get('stdout', '').strip().splitlines() or ['no reason'])[-1]]
            self.goal = 1
        elif entry['result'] in ('OK', 'EXPECTEDFAIL'):
            self.passed = self.goal = 1
        # What is wrong beside the single results: a leak, a report, a time-out, a crash at exit.
        if entry['result'] not in ('OK', 'EXPECTEDFAIL', 'SKIP') and not self.failed:
            self.fail('%s, exit status %s' % (entry['result'], entry.get('returncode')))

    def count_tap(self, out):
        for line in out.splitlines():
            match = LINE.match(line)
            if not match:
                continue
            skip = SKIP.search(match.group(2))
            if match.group(1):
                self.failed += 1
                self.bad.append(match.group(2))
            elif skip and skip.group(1) == DISABLED:
                self.failed += 1
                self.bad.append(match.group(2) + ' (a disabled test tests nothing)')
            elif skip:
                self.skips.append(SKIP.sub('', match.group(2)).strip() + ': ' + skip.group(1))
            else:
                self.passed += 1

    def fail(self, why):
        self.failed += 1
        self.goal = max(self.goal, self.passed + self.failed + len(self.skips))
        self.bad.append(why)

    def invert(self):
        fails = self.failed > 0
        self.passed, self.failed, self.goal, self.skips = int(fails), int(not fails), 1, []
        self.bad = [] if fails else ['the canary passed: this lane cannot fail']


def report(lane, result):
    print('--- FAILED %s: %s' % (lane, result.name), file=sys.stderr)
    for why in result.bad:
        print('    ' + why, file=sys.stderr)
    for line in result.text.splitlines()[-60:]:
        print('    | ' + line, file=sys.stderr)


def main(lane, testlog, rows, skips, canary=False):
    suites = {}
    with open(testlog, encoding='utf-8', errors='replace') as log:
        for line in log:
            result = Result(json.loads(line))
            if canary:
                result.invert()
            row = suites.setdefault('canary' if canary else result.suite, [0, 0, 0, 0, 0.0])
            done = result.passed + result.failed
            for i, n in enumerate((done, result.goal, result.failed, len(result.skips),
                                   result.seconds)):
                row[i] += n
            if result.failed:
                report(lane, result)
            with open(skips, 'a', encoding='utf-8') as out:
                for why in result.skips:
                    out.write('%s/%s: %s\n' % (lane, result.name, why.removeprefix(': ')))
    with open(rows, 'a', encoding='utf-8') as out:
        for suite in sorted(suites):
            out.write('%s/%s\t%d\t%d\t%d\t%d\t%.1f\n' % (lane, suite, *suites[suite]))


if __name__ == '__main__':
    if len(sys.argv) not in (5, 6):
        sys.exit(__doc__)
    main(*sys.argv[1:5], canary='--canary' in sys.argv[5:])
