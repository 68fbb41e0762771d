#!/usr/bin/env bash
# Prints the commands of AdaMatch's tables (arXiv:2106.04732) on digits, one a line, ready for `xargs -P` or a cluster's
# job array. They train nothing themselves.
#
#   runs/adamatch.sh TABLE ... [--seeds="1 2 3"] [--kimg=8192]
#
# uda         adaptation without target labels, AdaMatch and its baselines: every ordered pair of MNIST, USPS, SVHN,
#             MNIST-M and synthetic digits, and of digits and digits_m
# teacher     NoisyStudent's teachers on these pairs
# student     their students; run them when the teachers have finished
# ssda        the pairs with 1, 5 and 10 labels of each class of the target: AdaMatch and the supervised baseline
# fsl         each domain with all its labels, tested on the others
# ssl         one dataset with 40, 250 and 4,000 labels
# mnist_svhn  MNIST -> SVHN with the views and the length of Keras' AdaMatch example (which prints 24.08 % for SVHN)
# pretrain    USPS alone, for the ablations that start from a pretrained network (the original's is of ImageNet)
# ablation    AdaMatch and each of its ablations, MNIST -> SVHN; run them when `pretrain` has finished
#
# All of them without a name. Each full run is 8,192 kimg (131,072 steps of 64 labelled and 192 unlabelled images in two
# views each); --kimg=16 makes a trial. Digits are not mirrored: CTA(s,s), not CTA(sm,sm).
set -euo pipefail
known="uda teacher student ssda fsl ssl mnist_svhn pretrain ablation" seeds="1 2 3" kimg=
source "$(dirname "${BASH_SOURCE[0]}")/commands.sh"

families=("mnist usps svhn_noextra mnist_m syndigit" "digits digits_m")

# One run of a seed: script with its flags, folder below experiments.
run() {
  echo "python $1 --seed=$seed --rerun=seed$seed --train_kimg=${kimg:-8192} --train_dir=experiments/$2"
}

# The commands $3 ... for each pair of domains and each seed; $1 is the folder, $2 how many target labels a class.
pairs() {
  local folder=$1 few=${2:+($2,seed=SEED)} family source target seed command
  shift 2
  for family in "${families[@]}"; do
    for source in $family; do
      for target in $family; do
        [ "$source" != "$target" ] || continue
        for seed in $seeds; do
          for command in "$@"; do
            run "$command --source=$source --target='$target${few/SEED/$seed}' --augment='CTA(s,s)'" "$folder"
          done
        done
      done
    done
  done
}

fsl() {
  local family source extra seed
  for family in "${families[@]}"; do
    for source in $family; do
      extra=$(printf '%s\n' $family | grep -vx "$source" | paste -sd,)
      for seed in $seeds; do
        run "fully_supervised_da.py --source=$source --test_extra=$extra --augment='CTA(s,s)'" fsl
      done
    done
  done
}

ssl() {
  local name labels seed
  for seed in $seeds; do
    for labels in 40 250 4000; do
      run "adamatch.py --dataset=cifar10.$seed@$labels-1" ssl
      for name in mnist svhn; do
        run "adamatch.py --dataset=$name.$seed@$labels-1 --augment='CTA(s,s)'" ssl
      done
    done
  done
}

ablation() {
  local name seed pair="--source=mnist --target=svhn_noextra --augment='CTA(s,s)'" start
  for seed in $seeds; do
    start="experiments/pretrain/usps_to_svhn_noextra/CTA(s,s)/seed$seed/Baseline_archresnet_batch64_filters32_lr0.03"
    start="${start}_lr_decay0.25_nclass10_repeat4_scales3_uratio3_use_unlabeledFalse_wd0.001"
    run "adamatch.py $pair" ablation
    for name in no_logit_reg no_distalign fixed_confidence source_align distalign_remixmatch; do
      run "ablation/adamatch_$name.py $pair" ablation
    done
    for name in pretrain pretrain_no_distalign pretrain_fixed_wu; do
      run "ablation/adamatch_$name.py $pair --pretrained='$start'" ablation
    done
  done
}

for table in $tables; do
  case $table in
    uda) pairs adamatch "" adamatch.py fixmatch_da.py mcd.py baseline.py "baseline.py --nouse_unlabeled" ;;
    teacher) pairs adamatch "" "noisy_student.py --id=0" ;;
    student) pairs adamatch "" "noisy_student.py --id=1 --teacher_id=0" ;;
    ssda) for labels in 1 5 10; do pairs ssda $labels adamatch.py baseline.py; done ;;
    mnist_svhn)
      for seed in $seeds; do
        kimg=${kimg:-239} run "adamatch.py --source=mnist --target=svhn_noextra --augment='(s,r2_5_0)' --bn_momentum=0.99" \
                     example
      done ;;
    pretrain)
      for seed in $seeds; do
        run "baseline.py --source=usps --target=svhn_noextra --nouse_unlabeled --augment='CTA(s,s)'" pretrain
      done ;;
    *) $table ;;
  esac
done
