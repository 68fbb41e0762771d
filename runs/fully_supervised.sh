#!/usr/bin/env bash
# Prints the commands of training on all labels, which the tables of MixMatch (arXiv:1905.02249) compare with, one a
# line, ready for `xargs -P` or a cluster's job array. They train nothing themselves.
#
#   runs/fully_supervised.sh TABLE ... [--seeds="1 2 3"] [--kimg=65536]
#
# TABLE: baseline (labels smoothed, 4 runs a seed), mixup (3 runs a seed), large (mixup, 26 million weights, 2 runs a
# seed). Each run is 65,536 kimg (1,048,576 steps of 64 images): a quarter of a run of MixMatch, of large 18 times that.
set -euo pipefail
known="baseline mixup large" seeds=1 kimg=65536
source "$(dirname "${BASH_SOURCE[0]}")/commands.sh"

baseline() {
  commands fs "cifar10-1 cifar100-1" <<< "fully_supervised.py --wd=0.02 --smoothing=0.001 --seed=$1 --rerun=s$1"
  commands fs "svhn-1 svhn_noextra-1" <<< "fully_supervised.py --wd=0.002 --smoothing=0.01 --seed=$1 --rerun=s$1"
}

mixup() {
  commands fs "cifar10-1 svhn-1 svhn_noextra-1" <<< "fully_supervised.py --mixup --seed=$1 --rerun=s$1"
}

large() {
  commands fs "cifar10-1 cifar100-1" <<< "fully_supervised.py --mixup --filters=135 --seed=$1 --rerun=s$1"
}

for table in $tables; do
  for seed in $seeds; do
    $table "$seed"
  done
done
