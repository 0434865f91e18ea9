#!/bin/sh
# Runs fuzz targets one after the other, each for its share of the seconds: run.sh PROGRAMS SECONDS TARGET…
# What is new goes to build/fuzz/corpus/TARGET, what crashes to build/fuzz/found; build/fuzz/log gets a line a run.
set -u
programs=$1
seconds=$2
shift 2
share=$((seconds / $#))
[ "$share" -gt 0 ] || share=1
found=build/fuzz/found
failed=
mkdir -p "$found"
for target in "$@"; do
	corpus=build/fuzz/corpus/$target
	output=build/fuzz/$target.txt
	mkdir -p "$corpus" "tests/fuzz/corpus/$target"
	set --
	[ ! -f "tests/fuzz/$target.dict" ] || set -- "-dict=tests/fuzz/$target.dict"
	"$programs/$target" "$@" -max_total_time="$share" -max_len=16384 -timeout=10 -rss_limit_mb=1024 -report_slow_units=2 \
		-print_final_stats=1 -artifact_prefix="$found/$target-" "$corpus" "tests/fuzz/corpus/$target" >"$output" 2>&1 ||
		failed="$failed $target"
	# "Done 123 runs in 5 second(s)"
	done=$(sed -n 's/^Done \([0-9]*\) runs in \([0-9]*\) second.*/\1 runs in \2 s/p' "$output")
	cover=$(grep -o 'cov: [0-9]* ft: [0-9]*' "$output" | tail -n 1)
	echo "$target: ${done:-ended early}, $cover" | tee -a build/fuzz/log
done
[ -z "$failed" ] || { echo "fuzz: look at build/fuzz/TARGET.txt and $found of:$failed" >&2; exit 1; }
