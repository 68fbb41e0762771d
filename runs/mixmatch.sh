#!/usr/bin/env bash
# Prints the commands of MixMatch's tables (arXiv:1905.02249), one a line, ready for `xargs -P` or a cluster's job
# array. They train nothing themselves.
#
#   runs/mixmatch.sh TABLE ... [--seeds="1 2 3"] [--kimg=65536]
#   runs/mixmatch.sh --small     # such a comparison on digits, less than an hour on two cores: runs/compare.sh
#
# TABLE: all of them without a name.
#   table1   MixMatch with 26 million weights on CIFAR-10 and CIFAR-100: 2 runs a seed, each of 18 times the usual cost
#   table2   MixMatch on STL-10: 1 run a seed and one with 5,000 labels, each of 12 times the usual cost
#   table4   ablation on one split of CIFAR-10, with 250 and 4,000 labels: 18 runs
#   table5   MixMatch and six others on CIFAR-10 with 250 to 4,000 labels: 35 runs a seed
#   table6   the same on SVHN without its extra images
#   table7   the same on SVHN with them
# The usual cost is 65,536 kimg (1,048,576 steps of 64 labelled and 128 unlabelled images), of MixMatch 296 GFLOP a
# step: 9 hours at 10 TFLOP/s. --kimg=16 makes a trial. The results: python scripts/accuracy_table.py experiments/compare
set -euo pipefail

if [ "${1:-}" = --small ]; then
  exec bash "$(dirname "${BASH_SOURCE[0]}")/compare.sh" "${@:2}"
fi
known="table1 table2 table4 table5 table6 table7" seeds="1 2 3 4 5" kimg=65536
source "$(dirname "${BASH_SOURCE[0]}")/commands.sh"

counts="250 500 1000 2000 4000"

table1() {
  commands large "$(splits cifar10 4000)" <<< "mixmatch.py --wd=0.04 --beta=0.75 --filters=135 --w_match=75"
  commands large "$(splits cifar100 10000)" <<< "mixmatch.py --wd=0.04 --beta=0.75 --filters=135 --w_match=150"
}

table2() {
  commands stl "$(splits stl10 1000) stl10.1@5000-1" <<< "mixmatch.py --beta=0.75 --w_match=50 --scales=4"
}

# As in the paper's code, ab_mixmatch.py has its own w_match (100) and warmup_kimg (128): its first row is not table5's.
table4() {
  commands ablation "cifar10.3@250-1 cifar10.3@4000-1" << 'END'
ablation/ab_mixmatch.py --beta=0.75
ablation/ab_mixmatch.py --beta=0.75 --nu=1
ablation/ab_mixmatch.py --beta=0.75 --T=1
ablation/ab_mixmatch.py --beta=0.75 --use_ema_guess
ablation/ab_mixmatch.py --beta=0.75 --mixmode=.
ablation/ab_mixmatch.py --beta=0.75 --mixmode=xx.
ablation/ab_mixmatch.py --beta=0.75 --mixmode=.yy
ablation/ab_mixmatch.py --beta=0.75 --mixmode=xx.yy
ict.py --beta=0.75 --consistency_weight=1000
END
}

table5() {
  commands compare "$(splits cifar10 "$counts")" << 'END'
ict.py --wd=0.02 --beta=0.75 --consistency_weight=1000
mean_teacher.py --wd=0.2 --smoothing=0.001 --consistency_weight=50
mixmatch.py --wd=0.02 --beta=0.75 --w_match=75
mixup.py --wd=0.02 --beta=0.75
pi_model.py --wd=0.02 --smoothing=0.001 --consistency_weight=20
pseudo_label.py --wd=0.02 --smoothing=0.01 --consistency_weight=1
vat.py --wd=0.02 --smoothing=0.01
END
}

# Dataset, consistency_weight of mean_teacher.py, beta of mixmatch.py.
svhn() {
  commands compare "$(splits "$1" "$counts")" << END
ict.py --wd=0.02 --beta=0.5 --consistency_weight=20
mean_teacher.py --wd=0.02 --smoothing=0.001 --consistency_weight=$2
mixmatch.py --wd=0.02 --beta=$3 --w_match=250
mixup.py --wd=0.02 --beta=0.25
pi_model.py --wd=0.2 --smoothing=0.001 --consistency_weight=5
pseudo_label.py --wd=0.02 --smoothing=0.01 --consistency_weight=2
vat.py --wd=0.02 --smoothing=0.01
END
}

table6() { svhn svhn_noextra 150 0.75; }

table7() { svhn svhn 180 0.25; }

for table in $tables; do
  $table
done
