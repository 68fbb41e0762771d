#!/usr/bin/env bash
# From folders of pictures to a classifier, its predictions and a SavedModel, with pictures that need no download:
# scikit-learn's handwritten digits as JPEG and PNG files of different sizes, 12 of each class labelled, 40 of each to test
# on, 1,277 without labels.
#
#   runs/pictures.sh [--out=DIR]     # 1 to 4 minutes on two cores; DIR is experiments/pictures
#
# Everything is written below DIR; the same command resumes where it stopped.
set -euo pipefail

out=experiments/pictures
for argument in "$@"; do
  case $argument in
    --out=*) out=$(realpath -m "${argument#*=}") ;;
    *) echo "error: unknown argument $argument: give --out=DIR" >&2; exit 1 ;;
  esac
done
source "$(dirname "${BASH_SOURCE[0]}")/environment.sh" all

# Your own pictures are in such folders already.
[ -d "$out/mine" ] || python - "$out" << 'END'
import collections
import pathlib
import sys

import numpy as np
from PIL import Image
from sklearn.datasets import load_digits

out = pathlib.Path(sys.argv[1])
names = 'zero one two three four five six seven eight nine'.split()
content, random, seen = load_digits(), np.random.RandomState(0), collections.Counter()
for i in random.permutation(len(content.target)):
    name = names[content.target[i]]
    seen[name] += 1
    place = f'train/{name}' if seen[name] <= 12 else f'test/{name}' if seen[name] <= 52 else 'unlabeled'
    (out / 'part' / place).mkdir(parents=True, exist_ok=True)
    image = Image.fromarray(np.rint(content.images[i] * (255 / 16)).astype(np.uint8))
    height = random.randint(16, 65)
    image = image.resize((round(height * random.uniform(0.7, 1.1)), height))
    image.save(out / 'part' / place / f'scan {i:04}.{("jpg", "png")[i % 2]}')
(out / 'part').rename(out / 'mine')
END

python scripts/create_from_pictures.py --name=my_digits --train="$out/mine/train" --unlabeled="$out/mine/unlabeled" \
  --test="$out/mine/test" --size=16 --colors=1 --fit=pad --nomirror --data_dir="$out/data"
# All labels but 20, which are for validation.
python mixmatch.py --dataset=my_digits.1@all-20 --data_dir="$out/data" --train_dir="$out/runs" --filters=16 --scales=2 \
  --repeat=1 --w_match=75 --warmup_kimg=16 --ema=0.99 --bn_momentum=0.9 --train_kimg=64 --report_kimg=8 --save_kimg=32
run=$(dirname "$(ls -d "$out"/runs/my_digits.1@all-20/MixMatch_*/args)")
# Where it fails; then what it says of each picture, which is the same, and a model that needs TensorFlow alone.
python scripts/evaluate_run.py --run="$run"
python scripts/predict.py --run="$run" --out="$out/predictions.csv" "$out/mine/test"
python scripts/export_model.py --run="$run" --out="$out/model" --overwrite "$out/mine/test"
