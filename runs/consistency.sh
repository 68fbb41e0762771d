#!/usr/bin/env bash
# Trains a teacher on clean images and a student on noisy views of them, then compares both on corrupted test images.
#
#   runs/consistency.sh [digits|mnist|example] [--seeds="1"] [--averages="swa"] [--data_dir=DIR]
#
# digits: scikit-learn's digits enlarged to 32x32 colour, about 4 CPU minutes a seed. mnist: several times as
# long; it must be in the data folder (python scripts/create_datasets.py mnist), and its corrupted images take 2.9 GB.
# example: prints the commands of teacher and student in the setting of the Keras example, CIFAR-10 resized to 96x96 of
# which squares of 72x72 are trained on, five epochs of a ResNet50V2; it is for a GPU. Their robustness is then compared
# as of the others: scripts/create_corrupted.py (or the published CIFAR-10-C), scripts/evaluate_robustness.py.
# --averages: what the teacher's weights are averaged with: none, ma, swa, or several.
# Everything is written below experiments/consistency; the same command resumes where it stopped.
set -euo pipefail

dataset=digits seeds=1 averages=swa data_dir=
for argument in "$@"; do
  case $argument in
    --seeds=*) seeds=${argument#*=} ;;
    --averages=*) averages=${argument#*=} ;;
    --data_dir=*) data_dir=${argument#*=} data_dir=$(realpath -m "${data_dir/#\~/$HOME}") ;;
    digits | mnist | example) dataset=$argument ;;
    *) echo "error: unknown argument $argument: give digits, mnist, example, --seeds=, --averages= or --data_dir=" >&2
       exit 1 ;;
  esac
done
out=experiments/consistency

example() {
  local seed average teacher flags
  for seed in $seeds; do
    for average in $averages; do
      flags="--dataset=cifar10-500 --resize=96 --size=72 --arch=resnet50v2 --batch=128 --train_kimg=242 --seed=$seed"
      flags="$flags --rerun=$average$seed --train_dir=$out${data_dir:+ --data_dir='$data_dir'}"
      teacher=$out/cifar10-500_size72_resize96/$average$seed/Consistency_archresnet50v2_average${average}_batch128_ema0.99
      teacher=${teacher}_filters32_lr0.001_nclass10_repeat4_scales5_stageteacher
      echo "python consistency.py --stage=teacher --average=$average $flags"
      echo "python consistency.py --stage=student --teacher=$teacher --augment=r2_9_0 $flags"
    done
  done
}

if [ $dataset = example ]; then
  example
  exit
fi
source "$(dirname "${BASH_SOURCE[0]}")/environment.sh" all

small="--enlarge --repeat=1 --save_kimg=16 --bn_momentum=0.9 --swa_bn_images=1024 --train_dir=$out --data_dir=$data_dir"
case $dataset in
  digits) name=digits-200 start=48 small="$small --filters=8 --batch=32 --train_kimg=96 --report_kimg=4" ;;
  mnist) name=mnist-1000 start=96 small="$small --filters=16 --batch=64 --train_kimg=192 --report_kimg=16" ;;
esac

python scripts/create_corrupted.py --dataset=$dataset --out=$out/$dataset-c --data_dir="$data_dir"
for seed in $seeds; do
  for average in $averages; do
    folder=$out/$name/$average$seed
    flags="--dataset=$name --seed=$seed --rerun=$average$seed $small"
    python consistency.py --stage=teacher --average="$average" --swa_start_kimg=$start $flags
    teacher=$(echo $folder/Consistency_*_stageteacher)
    python consistency.py --stage=student --teacher="$teacher" $flags
    student=$(echo $folder/Consistency_*_stagestudent_*)
    python scripts/evaluate_robustness.py --run="$teacher" --run="$student" --corrupted=$out/$dataset-c --out="$folder"
    python scripts/plot_views.py --run="$student" --out="$folder/views.png"
  done
done
