#!/usr/bin/env bash
# Runs the golden, resume and script tests with the oldest versions that are supported: TensorFlow 2.16 and NumPy 1.26.
#
#   tests/oldest.sh [INTERPRETER ...]     # python3.10 and python3.12 unless given; an environment of 2 GB for each
#
# .ci/run does so if OLDEST is set in the environment.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

[ $# -gt 0 ] || set -- python3.10 python3.12
for interpreter in "$@"; do
  command -v "$interpreter" > /dev/null || {
    echo "error: there is no $interpreter: install it, or give others, such as tests/oldest.sh python3.12" >&2
    exit 1
  }
done
for interpreter in "$@"; do
  environment=.venv/oldest-$(basename "$interpreter") python=$environment/bin/python
  if [ ! -e "$environment/installed" ]; then
    rm -rf "$environment"
    "$interpreter" -m venv "$environment"
    "$python" -m pip install --quiet --disable-pip-version-check --editable '.[test]' \
        'tensorflow==2.16.*' 'numpy==1.26.*'
    touch "$environment/installed"
  fi
  "$python" --version
  "$python" -m pip list --disable-pip-version-check | grep -iE '^(tensorflow|numpy|keras|pillow|scikit-learn) '
  "$python" -m pytest --numprocesses=auto --maxprocesses=4 tests/scripts tests/training tests/networks \
      tests/test_killed.py tests/test_train.py tests/test_streams.py \
      $(grep -l golden tests/test_*.py tests/{augment,images,methods}/test_*.py)
done
