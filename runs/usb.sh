#!/usr/bin/env bash
# Prints the commands of USB's table classic_cv (microsoft/Semi-supervised-learning@1ef4cbe, config/classic_cv), one a line,
# ready for `xargs -P` or a cluster's job array. They train nothing themselves.
#
#   runs/usb.sh TABLE ... [--seeds="1 2 3"] [--kimg=65536]
#
# TABLE: cifar10, cifar100, svhn, stl10; all of them without a name.
# Its settings are FixMatch's defaults here, but for the strong views and --wd of CIFAR-100, whose network is WRN-28-2, too.
# It reports the best of all test accuracies: `python scripts/accuracy_table.py --column=best`. Its UDA does not sharpen;
# its Dash is not the paper's and its SimMatch has three heads, so that these two rows cannot be compared. It has no column
# of STL-10: those commands are of its configurations, with their network.
set -euo pipefail

known="cifar10 cifar100 svhn stl10" seeds="1 2 3" kimg=65536
source "$(dirname "${BASH_SOURCE[0]}")/commands.sh"

# The methods on one dataset: its name, label counts, further flags, those of FreeMatch, those of CoMatch.
methods() {
  commands usb "$(splits "$1" "$2")" <<< "fixmatch.py
uda.py --confidence=0.8 --temperature=1
flexmatch.py
freematch.py ${4:-}
softmatch.py --moments=aligned
dash.py
simmatch.py
comatch.py ${5:-}" | sed "s/\$/ --augment=d.d.usb --report_kimg=320${3:+ $3}/; s/  */ /g"
}

for table in $tables; do
  case $table in
    cifar10) methods cifar10 "40 250 4000" ;;
    cifar100) methods cifar100 "400 2500 10000" --wd=0.001 ;;
    svhn) methods svhn "40 250 1000" "" "--thresh_min=0.9 --thresh_max=0.95" ;;
    stl10) methods stl10 "40 250 1000" --arch=wrn_var_37_2 "" --contrast_loss_ratio=5 ;;
  esac
done
