#!/usr/bin/env bash
# Prints the commands of FixMatch's tables (arXiv:2001.07685, table 2 and section 5), one a line, ready for `xargs -P` or a
# cluster's job array. They train nothing themselves.
#
#   runs/fixmatch.sh TABLE ... [--seeds="1 2 3"] [--kimg=65536]
#
# TABLE: cifar10, cifar100, svhn, stl10 (CTAugment and RandAugment each), uda, ablation; all of them without a name.
# Each full run is 65,536 kimg (1,048,576 steps of 64 labelled and 448 unlabelled images): about 1,210 GFLOP a step, one
# to two days on a recent accelerator; stl10 and cifar100 take about ten times as much. --kimg=16 makes a trial.
set -euo pipefail

seeds="1 2 3 4 5" kimg=65536 tables=()
for argument in "$@"; do
  case $argument in
    --seeds=*) seeds=${argument#*=} ;;
    --kimg=*) kimg=${argument#*=} ;;
    cifar10 | cifar100 | svhn | stl10 | uda | ablation) tables+=("$argument") ;;
    *) echo "error: unknown argument $argument: give cifar10, cifar100, svhn, stl10, uda, ablation, --seeds=, --kimg=" >&2
       exit 1 ;;
  esac
done
[ ${#tables[@]} -gt 0 ] || tables=(cifar10 cifar100 svhn stl10 uda ablation)

# Both variants of FixMatch on each split of one dataset: name, label counts, further flags.
both() {
  local name=$1 counts=$2 flags=${3:-} labels seed
  for labels in $counts; do
    for seed in $seeds; do
      echo "python fixmatch.py --dataset=$name.$seed@$labels-1 --train_kimg=$kimg --train_dir=experiments/fixmatch$flags"
      echo "python ablation/ab_fixmatch_ra.py --dataset=$name.$seed@$labels-1 --train_kimg=$kimg" \
           "--train_dir=experiments/fixmatch$flags"
    done
  done
}

# The ablations on the split that is said to be the hardest.
ablation() {
  local name dataset=cifar10.3@250-1
  for name in "fixmatch.py" "ablation/ab_fixmatch_adam.py" "ablation/ab_fixmatch_adam.py --beta2=0" \
      "ablation/ab_fixmatch_anchoring.py --anchoring=weak.weak" "ablation/ab_fixmatch_anchoring.py --anchoring=strong.strong" \
      "ablation/ab_fixmatch_linearlr.py --lr_end=0.02" "ablation/ab_fixmatch_linearlr.py --lr_end=0.0" \
      "ablation/ab_fixmatch_meanteacher.py" "ablation/ab_fixmatch_meanteacher_train.py" \
      "ablation/ab_fixmatch_momentum.py --nouse_nesterov" "ablation/ab_fixmatch_momentum.py --momentum=0.999" \
      "ablation/ab_fixmatch_nocutout.py" "ablation/ab_fixmatch_onlycutout.py" "ablation/ab_fixmatch_ra.py" \
      "ablation/ab_fixmatch_sharpen.py --T=0.5" \
      "ablation/ab_fixmatch_sharpen_conditional_consistency.py --T=0.5"; do
    echo "python $name --dataset=$dataset --train_kimg=$kimg --train_dir=experiments/ablation"
  done
}

for table in "${tables[@]}"; do
  case $table in
    cifar10) both cifar10 "40 250 4000" ;;
    cifar100) both cifar100 "400 2500 10000" " --filters=128 --wd=0.001" ;;
    svhn) both svhn "40 250 1000" ;;
    stl10) both stl10 1000 " --scales=4" ;;
    uda)
      for labels in 40 250 4000; do
        for seed in $seeds; do
          echo "python uda.py --dataset=cifar10.$seed@$labels-1 --temperature=0.4 --train_kimg=$kimg" \
               "--train_dir=experiments/fixmatch"
        done
      done ;;
    ablation) ablation ;;
  esac
done
