#!/usr/bin/env bash
# Prints the commands of ReMixMatch's tables (arXiv:1911.09785), one a line, ready for `xargs -P` or a cluster's job
# array. They train nothing themselves.
#
#   runs/remixmatch.sh TABLE ... [--seeds="1 2 3"] [--kimg=65536]
#
# TABLE: cifar10, svhn (40 to 4,000 labels, 4 runs a seed each), stl10 (1 run a seed), ablation (14 runs); all of them
# without a name. Each run is 65,536 kimg (1,048,576 steps of 64 labelled and 64 (K + 1) unlabelled images): with K = 8
# about 1,000 GFLOP a step, 30 hours at 10 TFLOP/s; of STL-10 eight times that. --kimg=16 makes a trial.
set -euo pipefail
known="cifar10 svhn stl10 ablation" seeds="1 2 3 4 5" kimg=65536
source "$(dirname "${BASH_SOURCE[0]}")/commands.sh"

cifar10() {
  commands remixmatch "$(splits cifar10 "250 1000 4000")" <<< "remixmatch.py --K=8"
  commands remixmatch "$(splits cifar10 40)" <<< "remixmatch.py --K=1 --w_rot=2 --warmup_kimg=8192"
}

svhn() {
  commands remixmatch "$(splits svhn_noextra "250 1000 4000")" <<< "remixmatch.py --K=8"
  commands remixmatch "$(splits svhn_noextra 40)" <<< "remixmatch.py --K=1 --w_rot=3"
}

stl10() {
  commands remixmatch "$(splits stl10 1000)" <<< "remixmatch.py --K=4 --scales=4 --augment=d.x.d"
}

ablation() {
  commands ablation cifar10.3@250-1 << 'END'
remixmatch.py --K=1
remixmatch.py --K=2
remixmatch.py --K=4
remixmatch.py --K=8
remixmatch.py --K=16
remixmatch.py --K=8 --w_kl=0
remixmatch.py --K=8 --w_rot=0
remixmatch.py --K=8 --nouse_dm
remixmatch.py --K=8 --nouse_xe --w_match=75
ablation/ab_cta_remixmatch_noweak.py --K=8
remixmatch.py --K=1 --nocta
remixmatch.py --K=8 --nocta
remixmatch.py --K=1 --nocta --redux=mean
remixmatch.py --K=8 --nocta --redux=mean
END
}

for table in $tables; do
  $table
done
