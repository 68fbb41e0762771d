#!/usr/bin/env bash
# Prints the commands of FixMatch, UDA and the methods after FixMatch, with few labels and small networks, one a line, for
# a machine without an accelerator. Pipe them to `bash`, then `python scripts/accuracy_table.py experiments/small_methods`.
#
#   runs/small_methods.sh [digits] [mnist] [cifar10] [--seeds="1 2 3"] [--kimg=N]
#
# A seed is that of the run and of the choice of labels. digits: 40 labels, 64 kimg, one to two minutes a run on two
# cores. mnist: 40 labels, 32 kimg in batches of 32, four minutes a run. cifar10: 250 labels, 64 kimg, a night for all.
# Both must be in the data folder (scripts/create_datasets.py).
set -euo pipefail

known="digits mnist cifar10" seeds="1 2 3" kimg=
source "$(dirname "${BASH_SOURCE[0]}")/commands.sh"

# The methods on the dataset $1 with the choice of labels $2, seed $3, for $4 kimg, with the further flags $5. Averages and
# schedules are those of short runs.
methods() {
  local flags="--dataset=$1.$3@$2 --seed=$3 --filters=16 --repeat=1 --ema=0.99 --train_kimg=${kimg:-$4} --report_kimg=8"
  flags="$flags --train_dir=experiments/small_methods $5"
  echo "python fixmatch.py $flags"
  echo "python uda.py --temperature=0.4 --confidence=0.8 $flags"
  echo "python flexmatch.py $flags"
  echo "python freematch.py --ema_p=0.99 $flags"
  echo "python softmatch.py --ema_p=0.99 $flags"
  echo "python dash.py --warmup_kimg=4 --drop_kimg=8 $flags"
}

for table in $tables; do
  for seed in $seeds; do
    case $table in
      digits) methods digits 40-100 "$seed" 64 "--scales=2 --bn_momentum=0.9" ;;
      mnist) methods mnist 40-1000 "$seed" 32 "--batch=32 --uratio=3 --bn_momentum=0.95" ;;
      cifar10) methods cifar10 250-1000 "$seed" 64 "--bn_momentum=0.95" ;;
    esac
  done
done
