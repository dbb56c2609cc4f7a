#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Runs each scenario of the schedule explorer and prints a row for each and one for all.

usage: table.py EXPLORE JOBS --short|--long

Rows are CHECK DONE GOAL VIOLATIONS SECONDS with tabs; what the explorer says goes to stderr.
Exit status: 0 all well, 1 a violation or too few schedules, 2 usage.
"""
import concurrent.futures
import subprocess
import sys
import time

# Goals: of a scenario, and of all.
GOALS = {'--short': (50000, 1000000), '--long': (50000, 100000000)}
# Seconds for one scenario, before it is stopped.
LIMITS = {'--short': 300, '--long': 3600}


def run(program, name, schedules, limit):
    """Returns how many schedules ran, whether all was well, and what was said."""
    start = time.monotonic()
    try:
        result = subprocess.run([program, '--scenario', name, '--schedules', str(schedules)],
                                stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=limit,
                                check=False)
        said, status = result.stdout.decode(errors='replace'), result.returncode
    except subprocess.TimeoutExpired as late:
        said, status = (late.stdout or b'').decode(errors='replace') + '\nno end', 124
    done = 0
    for line in said.splitlines():
        word = line.split()
        if len(word) > 3 and word[0] == name and word[1].isdigit() and word[2].isdigit():
            done = int(word[1])
    good = status == 0 and 'VIOLATION' not in said
    return name, done, good, time.monotonic() - start, said, status


def main(program, jobs, form):
    least, total = GOALS[form]
    start = time.monotonic()
    listed = subprocess.run([program, '--list'], check=True, capture_output=True, text=True).stdout
    names = [line.split()[0] for line in listed.splitlines()]
    schedules = max(least, -(-total // max(len(names), 1)))
    done_all = bad_all = 0
    ok = bool(names)
    with concurrent.futures.ThreadPoolExecutor(int(jobs)) as pool:
        results = pool.map(lambda name: run(program, name, schedules, LIMITS[form]), names)
        for name, done, good, seconds, said, status in results:
            print('schedules/%s\t%d\t%d\t%d\t%.1f' % (name, done, least, not good, seconds))
            done_all += done
            bad_all += not good
            ok = ok and good and done >= least
            if form == '--long':
                print('%s: %d schedules, %.0f s' % (name, done, seconds), file=sys.stderr)
            if not good:
                print('--- %s, exit status %d\n%s' % (name, status, said), file=sys.stderr)
    print('schedules\t%d\t%d\t%d\t%.1f' % (done_all, total, bad_all, time.monotonic() - start))
    return 0 if ok and done_all >= total else 1


if __name__ == '__main__':
    if len(sys.argv) != 4 or sys.argv[3] not in GOALS:
        print(__doc__, file=sys.stderr)
        sys.exit(2)
    sys.exit(main(*sys.argv[1:]))
