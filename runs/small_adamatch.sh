#!/usr/bin/env bash
# Prints the commands of short runs of AdaMatch for a machine without an accelerator, one a line. Pipe them to `bash`;
# each takes all cores.
#
#   runs/small_adamatch.sh TABLE ... [--seeds="1 2 3"] [--kimg=]
#
# digits  digits -> digits_m (made of scikit-learn's data at first use): AdaMatch and both baselines
# usps    MNIST -> USPS, without and with 10 labels of each class: `python scripts/create_datasets.py mnist usps` before
# ssl     digits with 40 labels
#
# All of them without a name. --kimg= gives all of them another length.
set -euo pipefail
known="digits usps ssl" seeds="1 2 3" kimg=
source "$(dirname "${BASH_SOURCE[0]}")/commands.sh"

# A script with its flags, for the seed.
run() {
  echo "python $* --ema=0.99 --seed=$seed --rerun=seed$seed --train_dir=experiments/small"
}

for table in $tables; do
  for seed in $seeds; do
    case $table in
      digits)
        for script in adamatch.py baseline.py "baseline.py --nouse_unlabeled"; do
          run "$script --source=digits --target=digits_m --augment='CTA(s,s,depth=4,th=0)' --filters=16 --repeat=1" \
              "--scales=3 --batch=32 --uratio=1 --bn_momentum=0.95 --train_kimg=${kimg:-96} --report_kimg=16"
        done ;;
      usps)
        for target in usps "usps(10,seed=$seed)"; do
          run "adamatch.py --source=mnist --target='$target' --augment='CTA(s,s)' --filters=16 --repeat=1 --batch=32" \
              "--uratio=1 --bn_momentum=0.95 --train_kimg=${kimg:-32} --report_kimg=8"
        done ;;
      ssl)
        run "adamatch.py --dataset=digits.$seed@40-100 --augment='CTA(s,s)' --scales=2 --repeat=2 --bn_momentum=0.9" \
            "--train_kimg=${kimg:-64} --report_kimg=16" ;;
    esac
  done
done
