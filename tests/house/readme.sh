#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# readme.sh ROOT WWRESV: the command that the README shows prints today what is shown there: the
# same headings, line beginnings and columns in the same order.  The numbers are a run's own.
set -euo pipefail

root=$1
wwresv=$2

# shape: words of the output that are not numbers, nor rows of the tables.
shape() { grep -oE '^([A-Z][a-z]+( [a-z]+)*|[A-Z]{2,}[ A-Z-]*)' | tr -s ' ' | sed 's/ $//'; }

command=$(sed -n 's/^\$ wwresv //p' "$root/README.md" | head -n 1)
shown=$(sed -n '/^\$ wwresv /,/^```$/p' "$root/README.md" | sed '1d;$d' | shape)
# shellcheck disable=SC2086 # options
printed=$("$wwresv" $command --quiet | shape)

[ -n "$shown" ] || { echo 'README.md shows no output'; exit 1; }
diff -u --label README.md --label 'wwresv, today' <(echo "$shown") <(echo "$printed")

# Every path that the documents name is there.
bad=0
# shellcheck disable=SC2016 # backquotes of the text
while read -r path; do
	[ -e "$root/$path" ] || { echo "named in a document, but not there: $path"; bad=1; }
done < <(grep -ohE '`(lockset|reservation|drivers|include|tools|tests|examples|docs)/[A-Za-z0-9_./-]*`' \
	"$root"/README.md "$root"/CONTRIBUTING.md | tr -d '`' | sort -u)
exit $bad
