#!/usr/bin/env bash
# Prints the commands of a comparison of nine methods on scikit-learn's digits with 40 labels, one a line. Pipe them to
# `bash`, or to `xargs -P`; `python scripts/accuracy_table.py experiments/digits` then prints the table.
#
#   runs/compare.sh [--seeds="1 2 3"] [--kimg=64]
#
# A seed chooses the labels and is the seed of the run. All of them took 40 minutes, two at a time, on two cores that had
# other work, too. Mean Teacher's and ICT's published weights (50) are for runs that are a thousand times as long.
set -euo pipefail
known=digits seeds="1 2 3" kimg=64
source "$(dirname "${BASH_SOURCE[0]}")/commands.sh"

for seed in $seeds; do
  flags="--seed=$seed --scales=2 --repeat=2 --bn_momentum=0.9 --ema=0.99 --report_kimg=8"
  commands digits "digits.$seed@40-100" << 'END' | sed "s/$/ $flags/"
fully_supervised.py --wd=0.02
mixup.py
pseudo_label.py
pi_model.py
mean_teacher.py --consistency_weight=5
vat.py --vat_eps=1
ict.py --consistency_weight=5
mixmatch.py --w_match=75 --warmup_kimg=16
remixmatch.py --K=2 --warmup_kimg=16
END
done
