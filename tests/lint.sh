#!/bin/sh
# All linters over all files that git knows or would take; no warnings. Each runs, also after another has failed.
set -u
cd "$(dirname "$0")/.." || exit 1

list() { git ls-files -co --exclude-standard -- "$@" | while read -r f; do [ -f "$f" ] && echo "$f"; done; }
failed=
run() {
	name=$1
	shift
	printf '  LINT  %s\n' "$name"
	"$@" || failed="$failed $name"
}

format() { list '*.c' '*.h' | xargs clang-format --dry-run -Werror; }

# One process a core; the flags are the Makefile's as far as they change what the code means.
tidy() {
	# shellcheck disable=SC2016  # the inner shell expands it
	list '*.c' | xargs -P "$(nproc)" -n 6 sh -c '
		out=$(clang-tidy --quiet "$@" -- -std=gnu17 -D_GNU_SOURCE -I. \
			-DHAKIM_VERSION=\"0\" -DHAKIM_LIBDIR=\"/usr/lib/hakim\" 2>/dev/null) || { printf "%s\n" "$out"; exit 1; }' sh
}

# It does not know __attribute__((cleanup)), so all of those are leaks to it: the sanitizer build finds the real ones.
check() {
	list '*.c' | xargs cppcheck --quiet --enable=warning,performance,portability --inline-suppr --error-exitcode=1 \
		--suppress=memleak --suppress=resourceLeak --std=c11 -j "$(nproc)" -D_GNU_SOURCE -I. \
		--library=tests/cppcheck.cfg
}

shells() { { list '*.sh'; list .ci/run 'dpkg/*' '*/hakim-home-hook'; } | sort -u | xargs shellcheck -x; }

# W191, E101: tabs of shell scripts within strings.
python() { list '*.py' scripts/variants scripts/devcontainers | xargs /usr/bin/python3 -m flake8 --max-line-length 120 --extend-ignore W191,E101; }

manual() { list 'docs/*.1' | xargs mandoc -T lint -W warning; }

run clang-format format
run cppcheck check
run shellcheck shells
run flake8 python
run mandoc manual
run variants scripts/variants --check
run clang-tidy tidy
[ -z "$failed" ] || { echo "make lint:$failed failed" >&2; exit 1; }
