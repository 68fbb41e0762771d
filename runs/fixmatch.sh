#!/usr/bin/env bash
# Prints the commands of FixMatch's tables (arXiv:2001.07685, table 2 and section 5), one a line, ready for `xargs -P`
# or a cluster's job array. They train nothing themselves.
#
#   runs/fixmatch.sh TABLE ... [--seeds="1 2 3"] [--kimg=65536]
#
# TABLE: all of them without a name.
#   cifar10 cifar100 svhn stl10   FixMatch with CTAugment and with RandAugment
#   uda                           UDA on CIFAR-10
#   baselines                     Pi-model, Pseudo-Label, Mean Teacher, MixMatch and ReMixMatch on the four datasets, as
#                                 in FixMatch's code: 41 runs a seed
#   ablation                      16 runs on one split
# Each full run is 65,536 kimg, 1,048,576 steps. Of FixMatch a step has 64 labelled and 448 unlabelled images, about
# 1,210 GFLOP, and a run takes one to two days on a recent accelerator; stl10 and cifar100 take about ten times as much.
# --kimg=16 makes a trial.
set -euo pipefail
known="cifar10 cifar100 svhn stl10 uda baselines ablation" seeds="1 2 3 4 5" kimg=65536
source "$(dirname "${BASH_SOURCE[0]}")/commands.sh"

# What table 2 has of a dataset beside the defaults.
of_cifar100="--filters=128 --wd=0.001" of_stl10="--scales=4"

# Both variants of FixMatch on each split of one dataset: name, label counts, further flags.
both() {
  commands fixmatch "$(splits "$1" "$2")" << END
fixmatch.py ${3:-}
ablation/ab_fixmatch_ra.py ${3:-}
END
}

cifar10() { both cifar10 "40 250 4000"; }

cifar100() { both cifar100 "400 2500 10000" "$of_cifar100"; }

svhn() { both svhn "40 250 1000"; }

stl10() { both stl10 1000 "$of_stl10"; }

uda() { commands fixmatch "$(splits cifar10 "40 250 4000")" <<< "uda.py --temperature=0.4"; }

# The baselines on one dataset: name, label counts of the first two (the table has no others with the fewest labels), of
# the others, further flags, those of ReMixMatch.
retuned() {
  commands fixmatch "$(splits "$1" "$2")" << END
mixmatch.py --recipe=fixmatch $4
remixmatch.py --recipe=fixmatch $5 $4
END
  commands fixmatch "$(splits "$1" "$3")" << END
pi_model.py --recipe=fixmatch $4
pseudo_label.py --recipe=fixmatch $4
mean_teacher.py --recipe=fixmatch $4
END
}

# FixMatch's code has no list of commands: views of ReMixMatch as in its own table, all else by default.
baselines() {
  retuned cifar10 "40 250 4000" "250 4000" "" --K=8
  retuned cifar100 "400 2500 10000" "2500 10000" "$of_cifar100" --K=8
  retuned svhn "40 250 1000" "250 1000" "" --K=8
  retuned stl10 1000 1000 "$of_stl10" "--K=4 --augment=d.x.d"
}

# On the split that is said to be the hardest.
ablation() {
  commands ablation cifar10.3@250-1 << 'END'
fixmatch.py
ablation/ab_fixmatch_adam.py
ablation/ab_fixmatch_adam.py --beta2=0
ablation/ab_fixmatch_anchoring.py --anchoring=weak.weak
ablation/ab_fixmatch_anchoring.py --anchoring=strong.strong
ablation/ab_fixmatch_linearlr.py --lr_end=0.02
ablation/ab_fixmatch_linearlr.py --lr_end=0.0
ablation/ab_fixmatch_meanteacher.py
ablation/ab_fixmatch_meanteacher_train.py
ablation/ab_fixmatch_momentum.py --nouse_nesterov
ablation/ab_fixmatch_momentum.py --momentum=0.999
ablation/ab_fixmatch_nocutout.py
ablation/ab_fixmatch_onlycutout.py
ablation/ab_fixmatch_ra.py
ablation/ab_fixmatch_sharpen.py --T=0.5
ablation/ab_fixmatch_sharpen_conditional_consistency.py --T=0.5
END
}

for table in $tables; do
  $table
done
