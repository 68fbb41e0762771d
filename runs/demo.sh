#!/usr/bin/env bash
# Trains MixMatch on scikit-learn's handwritten digits with 40 labels (about 3 minutes on two cores); the last line ends
# with the test accuracy. Flags of mixmatch.py may be added: --seed=2 is another run, --dataset=digits.1@40-100 another
# choice of the 40 labels.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/environment.sh" all
python mixmatch.py --dataset=digits.3@40-100 --train_dir=experiments/demo --scales=2 --repeat=2 --w_match=75 \
  --warmup_kimg=16 --ema=0.995 --bn_momentum=0.9 --train_kimg=128 --report_kimg=8 --save_kimg=32 "$@"
