#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Counts the results in a meson testlog.json.

usage: count.py LANE TESTLOG RESULTS [--canary EXPECTED]

Appends to RESULTS/rows.tsv a line for each suite, with tabs between

    lane/suite  done  goal  violations  skipped  seconds

to RESULTS/skips.txt a line for each skipped test with its reason, and to RESULTS/failures.txt what
failed: a line `FAILED lane: test: why`, then the end of its output, each line behind four blanks.
All of the output goes to stderr.

A program that prints TAP (Criterion does, under CRITERION_OUTPUTS=tap:-) counts test by test; any
other counts as one.  TAP without a plan counts as a failure: what is missing cannot be seen in it.
So does a program that should print TAP, by meson's word or by its name test_*, and does not.

With --canary every program must fail as EXPECTED says (its form is described in that file): one
that fails in another way is a failure, as is one that passes or was never run.
"""
import json
import os
import re
import sys

LINE = re.compile(r'^(not )?ok\b[ \d]*(?:- *)?(.*)$')
SKIP = re.compile(r'#\s*SKIP\b:?\s*(.*)$', re.IGNORECASE)
PLAN = re.compile(r'^1\.\.(\d+)', re.MULTILINE)
DISABLED = 'test was skipped'
FINE = ('OK', 'EXPECTEDFAIL')


class Result:
    def __init__(self, entry, must_be_tap=False):
        name = entry['name'].split(' / ')
        self.name = name[-1]
        self.suite = name[0].split(':')[-1].split('+')[0] if len(name) > 1 else '-'
        self.seconds = entry.get('duration') or 0.0
        self.status = entry.get('returncode')
        self.outcome = entry['result']
        self.out = entry.get('stdout', '')
        self.text = self.out + '\n' + entry.get('stderr', '')
        self.passed = self.failed = self.goal = 0
        self.skips = []
        self.bad = []
        self.count(must_be_tap)
        # What is wrong beside the single results: a leak, a report, a time-out, a crash at exit.
        if self.outcome not in FINE + ('SKIP',) and not self.failed:
            self.fail('%s, exit status %s' % (self.outcome, self.status))

    def count(self, must_be_tap):
        plan = PLAN.search(self.out)
        if plan:
            self.count_tap()
            self.goal = max(int(plan.group(1)), self.passed + self.failed + len(self.skips))
            lost = self.goal - self.passed - self.failed - len(self.skips)
            if lost:
                self.failed += lost
                self.bad.append('%d results missing of %d planned' % (lost, self.goal))
            if self.goal == 0:
                self.fail('it holds no test')
        elif must_be_tap and self.status != 77 or any(map(LINE.match, self.out.splitlines())):
            self.count_tap()
            self.fail('no plan: %s, exit status %s' % (self.outcome, self.status))
        elif self.outcome == 'SKIP':
            self.skips = [(self.out.strip().splitlines() or ['no reason'])[-1]]
            self.goal = 1
        elif self.outcome in FINE:
            self.passed = self.goal = 1

    def count_tap(self):
        for line in self.out.splitlines():
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

    def judge_canary(self, expected):
        """expected: a pattern that its output or what is wrong with it must match; None: unknown."""
        seen = self.text + '\n' + '\n'.join(self.bad)
        if not self.failed:
            wrong = 'the canary passed: this lane cannot fail'
        elif expected is None:
            wrong = 'nobody says how this canary must fail'
        elif not re.search(expected, seen):
            wrong = 'the canary failed in another way than by: ' + expected
        else:
            wrong = None
        self.skips, self.goal = [], 1
        self.passed, self.failed, self.bad = int(not wrong), int(bool(wrong)), wrong and [wrong]

    def essence(self, num=10):
        """The lines worth most: the failed results with what follows them, filled up by the end."""
        lines = [line for line in self.text.splitlines() if line.strip()]
        wanted = set()
        for i, line in enumerate(lines):
            if line.startswith('not ok'):
                wanted.add(i)
                for j in range(i + 1, min(i + 5, len(lines))):
                    if LINE.match(lines[j]):
                        break
                    wanted.add(j)
        wanted = set(sorted(wanted)[:num])
        for i in reversed(range(len(lines))):
            if len(wanted) >= num:
                break
            wanted.add(i)
        return [lines[i] for i in sorted(wanted)]


def report(lane, result, failures):
    print('--- FAILED %s: %s' % (lane, result.name), file=sys.stderr)
    for why in result.bad:
        print('    ' + why, file=sys.stderr)
    for line in result.text.splitlines()[-60:]:
        print('    | ' + line, file=sys.stderr)
    more = ' (and %d more)' % (len(result.bad) - 1) if len(result.bad) > 1 else ''
    failures.write('FAILED %s: %s: %s%s\n' % (lane, result.name, result.bad[0], more))
    for line in result.essence():
        failures.write('    %s\n' % line[:200])


def read_expected(path, lane):
    """{name: pattern} for this lane; what names the lane goes before `*`."""
    expected, kind = {}, lane.split('-')[0]
    with open(path, encoding='utf-8') as lines:
        for line in lines:
            if line.strip() and not line.startswith('#'):
                name, lanes, pattern = line.rstrip('\n').split(None, 2)
                if kind in lanes.split(',') or lanes == '*' and name not in expected:
                    expected[name] = pattern
    return expected


def tap_programs(testlog):
    """Names of the tests that must print TAP; none where meson does not say."""
    intro = os.path.join(os.path.dirname(testlog), '..', 'meson-info', 'intro-tests.json')
    try:
        with open(intro, encoding='utf-8') as file:
            tests = json.load(file)
    except FileNotFoundError:
        return set()
    return {test['name'] for test in tests
            if test['protocol'] == 'tap' or re.match('test_|canary_.*_criterion$',
                                                     os.path.basename(test['cmd'][0]))}


def main(lane, testlog, results, expected_file=None):
    suites = {}
    expected = read_expected(expected_file, lane) if expected_file else None
    tap = tap_programs(testlog)
    with open(testlog, encoding='utf-8', errors='replace') as log, \
         open(os.path.join(results, 'skips.txt'), 'a', encoding='utf-8') as skips, \
         open(os.path.join(results, 'failures.txt'), 'a', encoding='utf-8') as failures:
        for line in log:
            entry = json.loads(line)
            result = Result(entry, entry['name'].split(' / ')[-1] in tap)
            if expected is not None:
                result.judge_canary(expected.get(result.name))
            row = suites.setdefault(result.suite if expected is None else 'canary',
                                    [0, 0, 0, 0, 0.0])
            done = result.passed + result.failed
            for i, n in enumerate((done, result.goal, result.failed, len(result.skips),
                                   result.seconds)):
                row[i] += n
            if result.failed:
                report(lane, result, failures)
            for why in result.skips:
                skips.write('%s/%s: %s\n' % (lane, result.name, why.removeprefix(': ')))
    with open(os.path.join(results, 'rows.tsv'), 'a', encoding='utf-8') as out:
        for suite in sorted(suites):
            out.write('%s/%s\t%d\t%d\t%d\t%d\t%.1f\n' % (lane, suite, *suites[suite]))


if __name__ == '__main__':
    if len(sys.argv) == 4:
        main(*sys.argv[1:4])
    elif len(sys.argv) == 6 and sys.argv[4] == '--canary':
        main(*sys.argv[1:4], expected_file=sys.argv[5])
    else:
        sys.exit(__doc__)
