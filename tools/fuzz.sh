#!/usr/bin/env bash
# Runs every libFuzzer target for SECONDS each on its seed corpus (tests/corpus/NAME, if there); fails on the first crash.
set -euo pipefail
cd "$(dirname "$(readlink -f "$0")")/.."
seconds=${1:-10}
[[ -f build/fuzz/build.ninja ]] || cmake --preset fuzz >/dev/null
targets=$(find src -name '*_fuzz.cc' -exec basename {} .cc \; | sort)
ninja -C build/fuzz --quiet $targets
for target in $targets; do
  seeds=$(mktemp -d)
  [[ ! -d tests/corpus/$target ]] || cp -r "tests/corpus/$target/." "$seeds"
  printf 'fuzz %s: ' "$target"
  if ! build/fuzz/src/"$target" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=2048 -max_len=65536 \
      -artifact_prefix=build/results/ "$seeds" > "build/results/$target.log" 2>&1; then
    echo "CRASHED"; tail -n 40 "build/results/$target.log"; exit 1
  fi
  grep -oE 'Done [0-9]+ runs' "build/results/$target.log" || echo "done"
  rm -rf "$seeds"
done
