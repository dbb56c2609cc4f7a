#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# source.sh CHECK ROOT: one rule over the source tree at ROOT.  Prints each place that breaks it.
set -uo pipefail
export LC_ALL=C

check=$1
cd "$2" || exit 2

sources() {
	find include lockset reservation drivers tools tests examples \
		\( -name '*.c' -o -name '*.h' -o -name '*.cc' \) | sort
}
texts() {
	find . -name .git -prune -o -name 'build*' -type d -prune -o -type f -print | sort
}

# code_lines PATTERN: the lines of the files on stdin that match, comment lines left out.
code_lines() { xargs grep -HnE "$1" | grep -vE '^[^:]*:[0-9]+:[[:space:]]*/?\*'; }

# none OUTPUT: prints it; fails unless it is empty.
none() {
	[ -z "$1" ] || { printf '%s\n' "$1"; return 1; }
}

# The layer of each public header: a folder includes only what stands before it in this order.
layers='
lockset      macros version alloc class mutex acquire_ctx interrupt lock_set lockset sys/debug
reservation  fence fence_array fence_chain fence_merge fence_pool fence_signaling resv bo sync_timeline sync_file syncobj dma_buf wwresv
drivers      sched_job sched mm mm_txn job device uapi/drm_more uapi/sync_more uapi/vgem uapi/wwr_drm
tools
'
# strangers: sources in folders that no rule here looks at.
strangers() {
	find . \( -name .git -o -name 'build*' \) -type d -prune -o -type f \
		\( -name '*.[ch]' -o -name '*.cc' -o -name '*.[ch]pp' -o -name '*.hh' \) -print |
		grep -vE '^\./(include/wwresv|lockset|reservation|drivers|tools|tests|examples)/'
}
check_layers() {
	none "$(strangers | sed 's/^/in a folder without a layer: /')" || return
	sources | xargs grep -nE '^[[:space:]]*#[[:space:]]*include' | awk -v layers="$layers" '
		BEGIN {
			n = split(layers, line, "\n")
			for (i = 1; i <= n; i++) {
				m = split(line[i], word, " ")
				if (m == 0)
					continue
				level[word[1]] = ++last
				for (j = 2; j <= m; j++)
					header[word[j] ".h"] = last
			}
			while (("find lockset reservation drivers tools -name \"*.h\"" | getline name) > 0) {
				sub(/.*\//, "", name)
				local[name]
			}
		}
		function layer_of(path, part) {
			if (sub(/^(\.\/)?include\/wwresv\//, "", path) || sub(/^wwresv\//, "", path)) {
				if (path in header)
					return header[path]
				print "no layer known for the public header " path
				bad = 1
				return 0
			}
			split(path, part, "/")
			return part[1] in level ? level[part[1]] : 0
		}
		{
			match($0, /^[^:]*/)
			file = substr($0, 1, RLENGTH)
			target = $0
			sub(/^[^<"]*[<"]/, "", target)
			sub(/[>"].*/, "", target)
			while (sub(/^\.\.\//, "", target))
				;
			own = layer_of(file)
			other = layer_of(target)
			if (own > 0 && other > own) {
				print "includes up a layer: " $0
				bad = 1
			}
			# Without a layer: only what is of the same folder, or the system.
			if (own > 0 && other == 0 && /include[[:space:]]*"/ && !(target in local)) {
				print "includes what has no layer: " $0
				bad = 1
			}
		}
		END { exit bad }'
}

# Each public header compiles alone and twice, in C and in C++.
# shellcheck disable=SC2046 # flags
check_headers() {
	local header bad=0

	while read -r header; do
		header=${header#include/}
		printf '#include <%s>\n#include <%s>\nint unit;\n' "$header" "$header" |
			gcc -x c -std=c11 -Wall -Wextra -Wpedantic -Werror -fsyntax-only -Iinclude $(pkg-config --cflags libdrm) - ||
			{ echo "$header: not in C"; bad=1; }
		printf '#include <%s>\n#include <%s>\n' "$header" "$header" |
			g++ -x c++ -std=c++11 -Wall -Wextra -Wpedantic -Werror -fsyntax-only -Iinclude $(pkg-config --cflags libdrm) - ||
			{ echo "$header: not in C++"; bad=1; }
	done < <(find include -name '*.h' | sort)
	return $bad
}

# ThreadSanitizer does not see a fence that stands alone.
check_fences() {
	none "$(sources | code_lines 'atomic_(thread|signal)_fence *\(|__sync_synchronize|mfence')"
}

# A thread that sleeps to be later than another is a test that passes by luck.
check_sleeps() {
	none "$(sources | grep -E '^(lockset|reservation|tests)/' |
		code_lines '\b(u?sleep|nanosleep|clock_nanosleep|thrd_sleep) *\(')"
}

check_length() {
	sources | xargs wc -l | awk '$2 != "total" && $1 > 500 { print; bad = 1 } END { exit bad }'
}

check_unfinished() {
	# The words are split, so that this file does not name them.
	none "$(texts | xargs grep -nIwE 'TO''DO|FIX''ME|X''XX|HA''CK')"
}

# What a checker reports is mended, not left out; the word is split, so that this file may say it.
check_suppressions() {
	none "$(find . \( -name .git -o -name 'build*' \) -type d -prune -o -name '*.supp' -print
		texts | grep -E '^\./(tools|tests|meson)' | xargs grep -nIE 'suppress''ions?=|no_sanitize\(.?thread' /dev/null)"
}

check_licence() {
	{ sources; find tools tests -name '*.sh'; } | tr '\n' '\0' | xargs -0 awk '
		FNR == 1 { files[FILENAME] }
		FNR <= 3 && /SPDX-License-Identifier: MIT/ { has[FILENAME] }
		FNR > 3 { nextfile }
		END { for (file in files) if (!(file in has)) { print file; bad = 1 }; exit bad }'
}

# The functions and function-like macros of the public headers.
public_functions() {
	find include -name '*.h' -exec gcc -w -fpreprocessed -dD -E -P {} + |
		grep -oE '\bwwr_[a-z0-9_]+ *\(' | tr -d ' (' | sort -u
}

# Each of them is named by a test or an example.
check_covered() {
	local missing

	missing=$(comm -23 <(public_functions) <(grep -rhowE --exclude-dir=house \
		--include='*.c' --include='*.cc' --include='*.h' 'wwr_[a-z0-9_]+' tests examples | sort -u))
	[ -z "$missing" ] || xargs printf 'no test or example names %s()\n' <<<"$missing"
	[ -z "$missing" ]
}

# Each public function says who may call it, what stands for it in the kernel, and, where its result
# must be looked at, what that may be.
# shellcheck disable=SC2016 # awk has its own $0
check_documented() {
	find include -name '*.h' -print0 | sort -z | xargs -0 awk '
		function must_say(what) {
			if (index(comment, what) == 0) {
				print FILENAME ":" FNR ": " name " does not say: " what
				bad = 1
			}
		}
		/^\/\*\*/ { comment = ""; inside = 1 }
		inside { comment = comment $0; inside = !/\*\//; next }
		/^$/ { comment = "" }
		/^(WWR_API|static inline) / { declaration = ""; declaring = 1 }
		declaring { declaration = declaration " " $0; declaring = !/;/ }
		declaring || declaration != "" {
			if (!match(declaration, /wwr_[a-z0-9_]+ *\(/))
				next
			name = substr(declaration, RSTART, RLENGTH) ")"
			must_say("@par Thread safety")
			must_say("@par Kernel counterpart")
			if (declaration ~ /WWR_MUST_CHECK int/)
				must_say("@ret")
			declaration = comment = ""
			declaring = 0
		}
		END { exit bad }'
}

# docs/kernel-map.md names each function of the public headers, or a row with a * stands for it; and
# every name of ours that it has is there.
check_mapped() {
	local map=docs/kernel-map.md name bad=0 functions names words

	functions=$(public_functions)
	words=$(grep -rhowE '(wwr|WWR)_[A-Za-z0-9_]+' include | sort -u)
	names=$(grep -oE '\b(wwr|WWR)_[A-Za-z0-9_]+\*?' $map | sort -u)
	while read -r name; do
		while read -r known; do
			# shellcheck disable=SC2053 # a pattern, where it ends with a *
			[[ $name == $known ]] && continue 2
		done <<<"$names"
		echo "$map does not name $name()"
		bad=1
	done <<<"$functions"
	while read -r name; do
		case $name in
		'') continue ;;
		*'*') grep -q "^${name%?}" <<<"$functions" || { echo "$map: nothing is named $name"; bad=1; } ;;
		*) [[ $'\n'$words$'\n' == *$'\n'"$name"$'\n'* ]] || { echo "$map: there is no $name"; bad=1; } ;;
		esac
	done <<<"$names"
	return $bad
}

check_format() {
	command -v clang-format-14 >/dev/null || { echo 'no clang-format-14 here'; exit 77; }
	sources | xargs clang-format-14 --dry-run -Werror
}

# With -a, what they source too.
check_shell() {
	local files

	command -v shellcheck >/dev/null || { echo 'no shellcheck here'; exit 77; }
	files=$(grep -rlIE '^#!/(bin/sh|usr/bin/env bash)' tools tests .ci 2>/dev/null | sort)
	xargs shellcheck -x -a -e SC1091 <<<"$files"
}

# A bug that can no longer be planted is no proof.
check_patches() {
	local patch bad=0 num=0

	while read -r patch; do
		num=$((num + 1))
		patch -s -f -F0 --dry-run -p1 -r - <"$patch" >/dev/null && continue
		echo "$patch does not apply"
		bad=1
	done < <(find tests -name '*.patch' | sort)
	[ $num -gt 0 ] || { echo 'there are no patches' && return 1; }
	return $bad
}

declare -F "check_$check" >/dev/null || { echo "no such check: $check"; exit 2; }
"check_$check"
