#!/usr/bin/env bash
# Trains MixMatch on scikit-learn's handwritten digits with 40 labels (about 2 minutes on two cores) and prints the test
# accuracy. --seed=N and other flags of mixmatch.py may be given.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/environment.sh" all
dataset=digits.1@40-100
python mixmatch.py --dataset=$dataset --train_dir=experiments/demo "$@"
