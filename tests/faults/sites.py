#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Runs the sweep and asks whether every call that may fail has been made to fail.

usage: sites.py [--rows FILE] [--libs LIB...] --sweep SWEEP [ARGUMENT...]

The sweep's own results (TAP) are passed on.  More are added: each call of a wrapped function that
objdump finds in the program has failed, once and with all after it, or stands in the file exempt
with a reason; and each outside function that the libraries LIB call is wrapped, or stands there.
--rows writes a line for memory and one for the system: CHECK, failed sites, all sites, faults after
which something was wrong.
"""
import argparse
import os
import re
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.realpath(__file__))
CALL = re.compile(r'^\s*([0-9a-f]+):.*\b(?:callq?|bl)\s+[0-9a-f]+ <__wrap_(\w+)>')
INSN = re.compile(r'^\s*([0-9a-f]+):\t')
# They give back, and do not fail.
HARMLESS = ('munmap', 'pthread_join', 'free')
MEMORY = ('wwr_alloc', 'wwr_alloc_array', 'wsim_calloc', 'wsim_copy', 'wsim_grow')
OWN = re.compile(r'(wwr|wsim)_|_GLOBAL_OFFSET_TABLE_|__asan_|__ubsan_|__gcov_|_GLOBAL__')
FAILED_ONCE_AND_STICKY = 3


def output(*command, **options):
    return subprocess.run(command, capture_output=True, text=True, check=True, **options).stdout


def read_exempt():
    """{function: reason}, {(file, function, callee): reason}, and folders for later."""
    calls, sites, later = {}, {}, []
    with open(os.path.join(HERE, 'exempt')) as file:
        for line in file:
            words = line.split()
            if not words or words[0].startswith('#'):
                continue
            if words[0] == 'call' and len(words) > 2:
                calls[words[1]] = ' '.join(words[2:])
            elif words[0] == 'site' and len(words) > 4:
                sites[tuple(words[1:4])] = ' '.join(words[4:])
            elif words[0] == 'later' and len(words) > 2:
                later.append(words[1] + '/')
            else:
                sys.exit('exempt: not understood: ' + line)
    return calls, sites, tuple(later)


def call_sites(program):
    """Return address -> function, for each call of a wrapped function."""
    sites = {}
    pending = None
    for line in output('objdump', '-d', program).splitlines():
        insn = INSN.match(line)
        if not insn:
            continue
        if pending:
            sites[int(insn.group(1), 16)] = pending
        call = CALL.match(line)
        pending = call.group(2) if call and call.group(2) not in HARMLESS else None
    return sites


def places(program, addresses):
    """Address -> file, line and function of the call, which ends just before it."""
    text = '\n'.join('%#x' % (address - 1) for address in addresses)
    lines = output('addr2line', '-f', '-e', program, input=text).splitlines()
    found = {}
    for number, address in enumerate(addresses):
        function, place = lines[2 * number], lines[2 * number + 1]
        path, line = place.rsplit(':', 1)
        path = re.sub(r'^.*?(?=(lockset|reservation|drivers|tools|tests)/)', '',
                      os.path.relpath(os.path.join(os.path.dirname(program), path)))
        found[address] = (path, line.split()[0], function)
    return found


def run_sweep(program, arguments, num_more):
    """Passes its results on; returns its status, their number, {address: failed}, the totals."""
    with tempfile.NamedTemporaryFile('r', suffix='.sites') as file:
        sweep = subprocess.Popen([program, '--sites', file.name] + arguments,
                                 stdout=subprocess.PIPE, text=True)
        num = 0
        for line in sweep.stdout:
            if line.startswith('1..'):
                num = int(line[3:])
                line = '1..%d\n' % (num + num_more)
            print(line, end='', flush=True)
        status = sweep.wait()
        failed, totals = {}, {}
        for line in file:
            words = line.split()
            if words[0].startswith('0x'):
                failed[int(words[0], 16)] = int(words[1])
            else:
                totals[words[0]] = (int(words[1]), int(words[2]))
        return status, num, failed, totals


def judge(program, failed, exempt, later):
    """Prints what did not fail; {kind: [failed sites, all sites]}, excuses that nobody needs."""
    num_later = 0
    found = call_sites(program)
    where = places(program, sorted(found))
    counts = {'memory': [0, 0], 'system': [0, 0]}
    used = set()
    for address, callee in sorted(found.items()):
        path, line, function = where[address]
        if path.startswith('tests/'):
            continue
        if path.startswith(later):
            num_later += 1
            continue
        count = counts['memory' if callee in MEMORY else 'system']
        done = failed.get(address, 0) == FAILED_ONCE_AND_STICKY
        if not done and (path, function, callee) in exempt:
            used.add((path, function, callee))
            continue
        count[0] += done
        count[1] += 1
        if not done:
            print('# never failed%s: %s() at %s:%s' %
                  ('' if address not in failed else ', though called', callee, path, line))
    if num_later:
        print('# left for later: %d calls in %s' % (num_later, ', '.join(later)))
    return counts, sorted(set(exempt) - used)


def unknown_calls(program, libs, exempt):
    """Outside functions that are neither wrapped nor excused."""
    wrapped = set(re.findall(r'\b__wrap_(\w+)$', output('nm', program), re.M))
    defined, undefined = set(), set()
    for lib in libs:
        for line in output('nm', lib).splitlines():
            words = line.split()
            if len(words) >= 2 and words[-2] in 'UwW' and not re.match('[0-9a-f]{8}', line):
                undefined.add(words[-1])
            elif len(words) == 3:
                defined.add(words[-1])
    return sorted(name for name in undefined - defined - wrapped - set(exempt)
                  if not OWN.match(name) and not (name.startswith('json_') and 'json_*' in exempt))


def main():
    parser = argparse.ArgumentParser(usage=__doc__)
    parser.add_argument('--rows')
    parser.add_argument('--libs', nargs='+', default=[])
    parser.add_argument('--sweep', nargs=argparse.REMAINDER, required=True)
    args = parser.parse_args()
    sweep, arguments = args.sweep[0], args.sweep[1:]
    exempt_calls, exempt_sites, later = read_exempt()

    status, num, failed, totals = run_sweep(sweep, arguments, 2)
    counts, unneeded = judge(sweep, failed, exempt_sites, later)
    for site in unneeded:
        print('# exempt names what is not there, or fails all the same: %s' % ' '.join(site))
    done, goal = (sum(column) for column in zip(*counts.values()))
    good = done == goal > 0 and not unneeded
    print('%sok %d - every call that may fail failed, once and from there on: %d of %d' %
          ('' if good else 'not ', num + 1, done, goal))

    unknown = unknown_calls(sweep, args.libs, exempt_calls)
    for name in unknown:
        print('# neither wrapped nor exempt: %s()' % name)
    print('%sok %d - no call of the libraries is left out' % ('not ' if unknown else '', num + 2))

    if args.rows:
        with open(args.rows, 'w') as file:
            for kind, check in (('memory', 'allocations'), ('system', 'system-calls')):
                injected, bad = totals.get(kind, (0, 1))
                print('faults/' + check, *counts[kind], bad, injected, sep='\t', file=file)
    return 1 if not good or unknown else status


if __name__ == '__main__':
    sys.exit(main())
