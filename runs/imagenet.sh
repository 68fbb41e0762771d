#!/usr/bin/env bash
# Prints the commands of FixMatch on ImageNet with 10 % of the labels (arXiv:2001.07685, section 4.3;
# google-research/fixmatch@d4985a1 imagenet/), one a line. They train nothing themselves.
#
#   runs/imagenet.sh TABLE ... [--seeds="1 2 3 4 5"] [--kimg=375340]
#
# TABLE: all of them without a name.
#   data          the dataset of the pictures in the folder imagenet, and its splits: list number <seed> of the original's
#                 imagenet/prep_imagenet_data/data_splits, copied into the folder lists
#   randaugment   the published row: 28.54 % top-1 error, 10.87 % top-5 error
#   ctaugment     the same with CTAugment, which the original's code has, too
# A run is 3,000 epochs of 128,116 labelled pictures, 375,340 steps. A step has 1,024 labelled pictures and two views of
# 5,120 unlabelled ones: 4.2 billion views of 224x224 pass the network in all. At 2,500 a second, which is an assumption
# and not measured, that is 470 hours. Where memory cannot hold 11,264 views, --accumulate=N makes a step of N parts; or
# give a smaller --batch, and --lr in proportion: 0.1 for every 256 labelled pictures. Warm-up and falls are a 60th and a
# 6th of --kimg, whatever it is.
# The original's weight decay is 0.0003 times the sum of squares, ours is --wd / 2 times it. On TPUs the original had
# bfloat16 activations (--precision=bfloat16) and batch norm over the 352 views of one core.
set -euo pipefail

known="data randaugment ctaugment" seeds="1 2 3 4 5" kimg=375340
source "$(dirname "${BASH_SOURCE[0]}")/commands.sh"

data() {
  echo "python scripts/create_datasets.py --archives=imagenet imagenet"
  for seed in $seeds; do
    echo "python scripts/create_split.py --seed=$seed --size=128116" \
      "--names=lists/files2shards_train_size128116_split$seed.txt imagenet"
  done
}

# --kimg divided by the number $1.
share() { awk -v kimg="$kimg" -v n="$1" 'BEGIN { printf "%.3f", kimg / n }'; }

# FixMatch with the flags $1 of its strong views.
train() {
  commands imagenet "$(splits imagenet 128116 | sed 's/-1$/-0/')" << END
fixmatch.py --arch=resnet50 --size=224 $1 --batch=1024 --uratio=5 --confidence=0.7 --wu=10 --lr=0.4 \
--schedule=staircase --lr_warmup_kimg=$(share 60) --lr_decay_kimg=$(share 6) --wd=0.0006 --wd_bias --ema_statistics \
--bn_momentum=0.9 --report_kimg=1000 --save_kimg=1000
END
}

randaugment() { train --augment=d.d.rai; }

ctaugment() { train "--augment=d.d.d --cta_version=imagenet --ath=0.85"; }

for table in $tables; do
  $table
done
