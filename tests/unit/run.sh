#!/bin/sh
# Runs each unit test program; all of them, also after one failed. The exit status is 1 if any failed.
set -u
failed=
for t in "$@"; do
	"$t" || failed="$failed ${t##*/}"
done
[ -z "$failed" ] || { echo "failed:$failed" >&2; exit 1; }
