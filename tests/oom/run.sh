#!/bin/sh
# Makes every allocation of a command fail, one at a time (failing.c). Each time lathe must say so and end with 4, or go on
# to the same results; a checkpoint that was acknowledged must let the run go on to them, and no temporary may be left.
# LATHE is the binary, FAILING the library; EACH=n takes only each n-th allocation.
set -u
folder=$(mktemp -d /tmp/lathe-oom-XXXXXX)
trap 'rm -rf "$folder"' EXIT
cd "$folder" || exit 1
printf 'x,y\n1,2\n2,3\n3,5\n4,1\n5,4\n6,2\n7,1\n8,2\n' >d.csv
cat >p.model <<'END'
data d from csv("d.csv") |> split(valid=0.25, seed=1) { t = columns(x) |> standardize; y = y }
model net(t: [B, n]) -> [B] = t |> Dense(4, tanh) |> Dropout(0.2) |> Dense(1) |> squeeze
train fit on d {
  steps = 2; batch = 2; checkpoint = every(1); keep = best("valid.loss")
  minimize mse(net(t), y) using adam(1e-2)
}
predict p on d.valid { yield y=net(t) }
END
sed 's/^train/load net from "net.json"\ntrain/' p.model >l.model
wrong=0
tell() {
  wrong=$((wrong + 1))
  echo "oom: $1"
  cat said
}

# What a command makes, as one checksum.
results() { cat $made 2>/dev/null | cksum; }

# name, files that it makes, command
try() {
  name=$1 made=$2
  shift 2
  rm -rf out
  OOM_COUNT=count LD_PRELOAD=$FAILING "$@" >said 2>&1 || tell "$name fails by itself"
  count=$(cat count) whole=$(results) k=1
  while [ "$k" -le "$count" ]; do
    rm -rf out
    OOM_AT=$k LD_PRELOAD=$FAILING "$@" >said 2>&1
    code=$?
    if [ $code -eq 4 ]; then
      grep -q 'out of memory' said || tell "$name, allocation $k: no word of memory"
    elif [ $code -ne 0 ]; then
      tell "$name, allocation $k: exit code $code"
    elif [ "$(results)" != "$whole" ]; then
      tell "$name, allocation $k: other results without a word"
    fi
    if [ -n "$(find out -name '*.tmp' 2>/dev/null)" ]; then tell "$name, allocation $k: a temporary file is left"; fi
    if [ $code -ne 0 ] && [ ! -e out/runs/p/fit/1/done ] && ls out/runs/p/fit/1/checkpoint-* >/dev/null 2>&1; then
      "$LATHE" train p.model --out out --resume -q >said 2>&1 || tell "$name, allocation $k: does not go on"
      [ "$(results)" = "$whole" ] || tell "$name, allocation $k: goes on to something else"
    fi
    k=$((k + ${EACH:-1}))
  done
  echo "oom: $name, $count allocations"
}

try check "said" "$LATHE" check p.model -q
try train "out/runs/p/fit/1/best.safetensors out/runs/p/fit/1/done" "$LATHE" train p.model --threads 1 -q --out out
"$LATHE" train p.model -q && "$LATHE" export p.model net --to net.json -q || tell "no weights"
try predict "out.csv" "$LATHE" predict p.model --threads 1 -q --out out.csv
try export "x.json" "$LATHE" export p.model net --to x.json -q
try load "out/runs/l/fit/1/best.safetensors" "$LATHE" train l.model --threads 1 -q --out out
[ $wrong -eq 0 ]
