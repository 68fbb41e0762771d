#!/usr/bin/env bash
# Prints the commands of short runs on MNIST for a machine without an accelerator, one a line: MixMatch with 100 labels
# (6 minutes on two cores) and FixMatch with 40 labels, for each of --seeds="1 2 3". Pipe them to `bash` or `xargs -P`.
# MNIST must be in the data folder: python scripts/create_datasets.py mnist
set -euo pipefail

seeds="1 2 3"
for argument in "$@"; do
  case $argument in
    --seeds=*) seeds=${argument#*=} ;;
    *) echo "error: unknown argument $argument: give --seeds=" >&2; exit 1 ;;
  esac
done

# A network of 16 filters and one block a scale; the averages are as short as the runs.
network="--filters=16 --repeat=1 --bn_momentum=0.95 --ema=0.99 --train_dir=experiments/mnist"
for seed in $seeds; do
  echo "python mixmatch.py --dataset=mnist.$seed@100-1000 --seed=$seed --train_kimg=160 --report_kimg=16 --beta=0.75" \
       "--w_match=75 --warmup_kimg=64 $network"
  echo "python fixmatch.py --dataset=mnist.$seed@40-1000 --seed=$seed --train_kimg=96 --report_kimg=16 --uratio=3 $network"
done
