#!/usr/bin/env bash
# The first speed mark, side by side: milliseconds a step, seconds to the first step and memory of Lathe on
# bench/programs/*.model, and of PyTorch and JAX on the same work when a Python that has them is there.
#
#   LATHE=build/lathe bench/speed.sh [PASSES]      PYTHON=/path/to/python  SHARED=../shared
#
# Systems take turns within a pass, because shared machines change speed from minute to minute; the best median of
# the passes counts. The peers' programs are those of $SHARED/bench/peers.
set -euo pipefail
cd "$(dirname "$0")/.."
lathe=${LATHE:-build/lathe}
shared=${SHARED:-../shared}
python=${PYTHON:-python3}
passes=${1:-2}
threads=${THREADS:-2}
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

if [ ! -e "$shared/data/mnist" ]; then
  echo "speed: skipped, there is no $shared/data/mnist"
  exit 0
fi

field() { sed -n "s/.*\"$1\": \([0-9.e+-]*\).*/\1/p" | tail -n 1; }

ours() { # WORKLOAD
  local line
  line=$("$lathe" train "bench/programs/$1.model" --root "$shared" --out "$folder" --threads "$threads" --json | tail -n 1)
  printf '%s lathe - %s %s %s\n' "$1" "$(field median <<<"$line")" "$(field first_step_s <<<"$line")" "$(field peak_rss_mib <<<"$line")"
}

peer() { # WORKLOAD SYSTEM MODE
  local line
  line=$(MNIST="$shared/data/mnist" "$python" "$shared/bench/peers/$2_bench.py" "$1" --mode "$3" --threads "$threads" --seconds 3 2>/dev/null | tail -n 1) || return 0
  printf '%s %s %s %s %s %s\n' "$1" "$2" "$3" "$(field step_ms_median <<<"$line")" "$(field first_step_s <<<"$line")" "$(field peak_rss_mib <<<"$line")"
}

peers=()
for system in torch jax; do
  if [ -e "$shared/bench/peers" ] && "$python" -c "import $system" 2>/dev/null; then
    peers+=("$system")
  else
    echo "speed: no $system in $python, or no $shared/bench/peers: its figures are left out"
  fi
done

for ((pass = 0; pass < passes; pass++)); do
  for program in bench/programs/*.model; do
    workload=$(basename "$program" .model)
    ours "$workload"
    for system in ${peers[@]+"${peers[@]}"}; do
      case $system in torch) peer "$workload" torch eager ;; jax) peer "$workload" jax jit ;; esac
    done
  done
done >"$folder/lines"

awk '
  { key = $1 " " $2 " " $3; order[key] || (order[key] = ++count); name[order[key]] = key
    for (i = 4; i <= 6; i++) if (!((key, i) in best) || $i < best[key, i]) best[key, i] = $i + 0
    if ($2 != "lathe" && (!($1 in fastest) || best[key, 4] < fastest[$1])) fastest[$1] = best[key, 4] }
  END {
    printf "%-10s %-7s %-6s %10s %14s %12s %18s\n", "workload", "system", "mode", "ms a step", "first step, s", "memory, MiB", "best peer / Lathe"
    for (k = 1; k <= count; k++) {
      split(name[k], part, " ")
      ratio = part[2] == "lathe" && part[1] in fastest ? sprintf("%.2f", fastest[part[1]] / best[name[k], 4]) : ""
      printf "%-10s %-7s %-6s %10.3f %14.3f %12.1f %18s\n", part[1], part[2], part[3], best[name[k], 4], best[name[k], 5], best[name[k], 6], ratio
    }
  }' "$folder/lines"
