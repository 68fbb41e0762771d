#!/usr/bin/env bash
# Trains the three stages of simclr.py on CIFAR-10 with 500 labels: on the labels alone, on pairs of views, and on the
# labels from there on; then prints a table of test errors and draws the curves of the three.
#
#   runs/simclr.sh [--seeds="1 2 3"] [--data_dir=DIR]
#
# A seed, of the choice of labels and of the run, takes 12 minutes of processor time, most of them for pretraining: 400
# views a step, an encoder of half the width of Keras' example. CIFAR-10 must be in the data folder: python
# scripts/create_datasets.py cifar10. Everything is written below experiments/simclr; the same command resumes where it
# stopped. The accuracies of nearest neighbours stand in the reports of the pretraining.
set -euo pipefail

seeds="1 2 3" data_dir=
for argument in "$@"; do
  case $argument in
    --seeds=*) seeds=${argument#*=} ;;
    --data_dir=*) data_dir=${argument#*=} data_dir=$(realpath -m "${data_dir/#\~/$HOME}") ;;
    *) echo "error: unknown argument $argument: give --seeds= or --data_dir=" >&2; exit 1 ;;
  esac
done
source "$(dirname "${BASH_SOURCE[0]}")/environment.sh" all

out=experiments/simclr
for seed in $seeds; do
  name=cifar10.$seed@500-1000
  flags="--dataset=$name --seed=$seed --arch=conv4 --filters=16 --uratio=7 --save_kimg=16 --keep_ckpt=2"
  flags="$flags --train_dir=$out --data_dir=$data_dir"
  python simclr.py --stage=supervised --train_kimg=48 --report_kimg=4 $flags
  python simclr.py --stage=pretrain --train_kimg=160 --report_kimg=16 $flags
  pretrained=$(echo $out/$name/SimCLR_*_stagepretrain_*)
  python simclr.py --stage=finetune --pretrained="$pretrained" --train_kimg=48 --report_kimg=4 $flags
done
python scripts/accuracy_table.py --column=last $out
python scripts/plot_runs.py --out=$out/accuracy.png --tags=accuracy $out
