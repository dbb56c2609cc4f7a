# SPDX-License-Identifier: MIT
# shellcheck disable=SC2034 # the lists are for who sources this
# Sourced by tools/demo and tools/check: finds what is missing and installs it with apt.

say() { printf '%s\n' "$*" >&2; }
die() {
	say "error: $*"
	exit 2
}

# Probes ask for the thing itself, not for a package: they hold on any system, and a second run
# finds everything and installs nothing.
have_cmd() { command -v "$1" >/dev/null 2>&1; }
have_module() { have_cmd pkg-config && pkg-config --exists "$1"; }
have_header() { have_cmd cc && printf '#include <%s>\n' "$1" | cc -E -x c - >/dev/null 2>&1; }
have_cxx_header() { have_cmd c++ && printf '#include <%s>\n' "$1" | c++ -E -x c++ - >/dev/null 2>&1; }
have_clang_rt() {
	local file

	file=$(clang-14 -print-file-name="libclang_rt.tsan-$(uname -m).a" 2>/dev/null) && [ -e "$file" ]
}
# On amd64 valgrind stops at start-up when the loader's symbols are not there.
have_valgrind() { valgrind -q true >/dev/null 2>&1; }

# Mesa's driver for devices that have only memory.
have_swrast() { compgen -G '/usr/lib/*/dri/kms_swrast_dri.so' >/dev/null; }

# What to probe | Debian's and Ubuntu's package.
needs_build='
have_cmd cc|gcc
have_header stdio.h|libc6-dev
have_cmd meson|meson
have_cmd ninja|ninja-build
have_cmd pkg-config|pkg-config
have_module jansson|libjansson-dev
have_module smartcols|libsmartcols-dev
have_module libdrm|libdrm-dev
'
needs_check='
have_cmd gcc|gcc
have_cmd g++|g++
have_cmd python3|python3
have_cmd clang-14|clang-14
have_cmd clang-check-14|clang-tools-14
have_clang_rt|libclang-rt-14-dev
have_cmd clang-format-14|clang-format-14
have_cxx_header boost/thread.hpp|libboost-thread-dev
have_module criterion|libcriterion-dev
have_cmd shellcheck|shellcheck
have_cmd gcovr|gcovr
have_cmd patch|patch
have_cmd spin|spin
have_cmd tcc|tcc
have_cxx_header relacy/relacy.hpp|relacy-dev
have_cmd valgrind|valgrind
have_valgrind|libc6-dbg
have_cmd drmdevice|libdrm-tests
have_module gbm|libgbm-dev
have_module egl|libegl-dev
have_module glesv2|libgles-dev
have_swrast|libgl1-mesa-dri
'

# missing_packages LIST: the packages whose probe fails, on one line.
missing_packages() {
	local probe package

	while IFS='|' read -r probe package; do
		[ -n "$package" ] || continue
		$probe || printf '%s ' "$package"
	done <<<"$1"
}

as_root() {
	if [ "$(id -u)" -eq 0 ]; then
		env "$@"
	else
		sudo env "$@"
	fi
}

# ensure_packages LIST: installs what LIST asks for; returns only when all of it is there.
ensure_packages() {
	local missing

	missing=$(missing_packages "$1")
	[ -n "$missing" ] || return 0
	have_cmd apt-get || die "these packages are missing and there is no apt-get here: $missing" \
		'(names as in Debian 12)'
	[ "$(id -u)" -eq 0 ] || have_cmd sudo || die "run as root or install sudo; missing: $missing"

	say "installing: $missing"
	as_root apt-get -q update >&2 || die 'apt-get update failed'
	# shellcheck disable=SC2086 # one word a package
	as_root DEBIAN_FRONTEND=noninteractive apt-get -q -y -o DPkg::Lock::Timeout=300 \
		install --no-install-recommends $missing >&2 || die "apt-get could not install: $missing"
	hash -r

	missing=$(missing_packages "$1")
	[ -z "$missing" ] || die "still missing after the installation: $missing"
}

# configure DIR OPTION...: a build folder with these options; a folder that another checkout or
# other options configured is made anew.
configure() {
	local dir=$1 stamp
	shift

	stamp=$(printf '%s\n' "$top" "${CC:-}" "$@")
	if [ -e "$dir/build.ninja" ] && [ "$(cat "$dir/options" 2>/dev/null)" = "$stamp" ]; then
		return 0
	fi
	rm -rf "$dir"
	meson setup "$@" "$dir" "$top" || return 1
	printf '%s\n' "$stamp" >"$dir/options"
}
