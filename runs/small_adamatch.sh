#!/usr/bin/env bash
# Prints the commands of short runs of AdaMatch for a machine without an accelerator, one a line. Pipe them to `bash`;
# each takes all cores.
#
#   runs/small_adamatch.sh TABLE ... [--seeds="1 2 3"] [--kimg=]
#
# digits  digits -> digits_m (made of scikit-learn's data at first use): AdaMatch and both baselines
# usps    MNIST -> USPS, the same: `python scripts/create_datasets.py mnist usps` before
# ssda    both with 10 labels of each class of the target
# ssl     digits with 40 labels
#
# All of them without a name. --kimg= gives all of them another length.
#
# digits -> digits_m takes RandAugment for CTAugment: inverted contrast, which the patches make, is among CTAugment's
# operations and dropped by its threshold; without the threshold it helps all methods alike.
set -euo pipefail
known="digits usps ssda ssl" seeds="1 2 3" kimg=
source "$(dirname "${BASH_SOURCE[0]}")/commands.sh"

small="--filters=16 --repeat=1 --batch=32 --bn_momentum=0.95"

# A script with its flags, for the seed.
run() {
  echo "python $* --ema=0.99 --seed=$seed --rerun=seed$seed --train_dir=experiments/small"
}

# A script on digits -> digits_m, and on MNIST -> USPS; $2 is what of the target is labelled.
digits() {
  run "$1 --source=digits --target='digits_m$2' --augment='(s,r4_10_0)' --scales=3 --uratio=3 $small" \
      "--train_kimg=${kimg:-96} --report_kimg=16"
}
usps() {
  run "$1 --source=mnist --target='usps$2' --augment='CTA(s,s)' --uratio=1 $small" \
      "--train_kimg=${kimg:-32} --report_kimg=8"
}

for table in $tables; do
  for seed in $seeds; do
    case $table in
      digits|usps)
        for script in adamatch.py baseline.py "baseline.py --nouse_unlabeled"; do
          $table "$script" ""
        done ;;
      ssda)
        for pair in digits usps; do
          $pair adamatch.py "(10,seed=$seed)"
        done ;;
      ssl)
        run "adamatch.py --dataset=digits.$seed@40-100 --augment='CTA(s,s)' --scales=2 --repeat=2 --bn_momentum=0.9" \
            "--train_kimg=${kimg:-64} --report_kimg=16" ;;
    esac
  done
done
