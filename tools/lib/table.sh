# SPDX-License-Identifier: MIT
# Sourced by tools/check: what it says at the end.  The rows are those of tools/lib/run.sh.

# totals: of the rows on stdin; false if anything failed or there was nothing.
totals() {
	awk -F'\t' '
		$7 == "one" { ok = $4 == 0 && $2 >= $3; passed += ok; failed += !ok; next }
		{
			missing = $3 - $2 - $5
			passed += $2 - $4
			failed += $4 + (missing > 0 ? missing : 0)
			skipped += $5
		}
		END {
			printf "%d passed, %d failed, %d skipped\n", passed, failed, skipped
			exit failed > 0 || passed == 0
		}'
}

# print_table ROWS: rows `schedules/...` of the scenarios become one.
print_table() {
	{
		printf 'check\tdone\tgoal\tviolations\tskipped\tseconds\n'
		awk -F'\t' -v OFS='\t' '
			$1 !~ /^schedules\/./ { print; next }
			{
				if (!num++ || $2 < least)
					least = $2
				goal = $3
				bad += $4
				seconds += $6
			}
			END {
				if (num)
					print "schedules, least of " num, least, goal, bad, 0, seconds
			}' "$1"
	} | awk -F'\t' '{ printf "%-28s %10s %10s %10s %8s %8s\n", $1, $2, $3, $4, $5, $6 }'
}

# write_json ROWS FILE
write_json() {
	awk -F'\t' '
		BEGIN { printf "{\"schema\": \"wwresv.check/1\", \"rows\": [" }
		{
			gsub(/[\\"]/, "\\\\&", $1)
			printf "%s\n  {\"check\": \"%s\", \"done\": %s, \"goal\": %s, " \
				"\"violations\": %s, \"seconds\": %s}",
				(NR > 1 ? "," : ""), $1, $2, $3, $4, $6
		}
		END { print "\n]}" }' "$1" >"$2"
}

# recall_failures FILE: the output of a few, then all of them in one line each: logs may be cut to
# their last lines.
recall_failures() {
	[ -s "$1" ] || return 0
	echo
	awk '/^FAILED/ && ++num > 6 { exit } { print }' "$1"
	printf '\n%d failures in all:\n' "$(grep -ac '^FAILED' "$1")"
	grep -a '^FAILED' "$1" | cut -c -200 | tail -n 60
}
