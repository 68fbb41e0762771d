#!/usr/bin/env bash
# Prints the commands of short runs for a machine without an accelerator, one a line. Pipe them to `bash` or `xargs -P`.
#
#   runs/small.sh [digits] [mnist] [--seeds="1 2 3"]
#
# digits: FixMatch and UDA with 40 labels, 5 to 9 minutes each on two cores (runs/demo.sh is MixMatch).
# mnist: MixMatch with 100 labels and FixMatch with 40, 6 to 10 minutes each; MNIST must be in the data folder:
#        python scripts/create_datasets.py mnist
set -euo pipefail

seeds="1 2 3" datasets=()
for argument in "$@"; do
  case $argument in
    --seeds=*) seeds=${argument#*=} ;;
    digits | mnist) datasets+=("$argument") ;;
    *) echo "error: unknown argument $argument: give digits, mnist or --seeds=" >&2; exit 1 ;;
  esac
done
[ ${#datasets[@]} -gt 0 ] || datasets=(digits mnist)

digits() {
  local flags="--seed=$1 --rerun=s$1 --scales=2 --repeat=2 --bn_momentum=0.9 --ema=0.99 --train_kimg=64 --report_kimg=8"
  flags="$flags --train_dir=experiments/small"
  echo "python fixmatch.py --dataset=digits.3@40-100 $flags"
  echo "python uda.py --dataset=digits.3@40-100 --temperature=0.4 --confidence=0.8 $flags"
}

mnist() {
  local flags="--seed=$1 --filters=16 --repeat=1 --bn_momentum=0.95 --ema=0.99 --report_kimg=16"
  flags="$flags --train_dir=experiments/small"
  echo "python mixmatch.py --dataset=mnist.$1@100-1000 --train_kimg=160 --beta=0.75 --w_match=75 --warmup_kimg=64 $flags"
  echo "python fixmatch.py --dataset=mnist.$1@40-1000 --train_kimg=96 --uratio=3 $flags"
}

for dataset in "${datasets[@]}"; do
  for seed in $seeds; do
    $dataset "$seed"
  done
done
