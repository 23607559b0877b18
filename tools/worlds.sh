#!/usr/bin/env bash
# worlds.sh [COUNT [SEED]]: the properties of recovery in COUNT (default 2000) random worlds each, optimized and without
# sanitizers: `./dev test` has 25 of each, the same ones each time. Names the seed of a world that breaks a brake.
set -euo pipefail
cd "$(dirname "$(readlink -f "$0")")/.."
count=${1:-2000} seed=${2:-$RANDOM$RANDOM$RANDOM}
[[ -f build/worlds/build.ninja ]] || cmake --preset worlds >/dev/null
ninja -C build/worlds --quiet recovery_test
for half in 0 1; do # a half on each core
  GTEST_TOTAL_SHARDS=2 GTEST_SHARD_INDEX=$half RC_PARAMS="max_success=$count seed=$seed noshrink=1" \
    build/worlds/src/recovery_test --gtest_filter='RecoveryProperty.*' > "build/worlds/$half.log" 2>&1 &
done
failed=0
wait -n || failed=1
wait -n || failed=1
grep -hE '^\[ +(OK|FAILED) +\] .* ms\)|^Falsifiable|^RC_ASSERT' build/worlds/[01].log
[[ $failed == 0 ]] || { echo "worlds.sh: seed $seed breaks a rule; see build/worlds/*.log"; exit 1; }
