#!/usr/bin/env bash
# Runs all tests, in an environment that is made at the first call. Arguments go to pytest.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/environment.sh" test
python -m pytest --numprocesses=auto --maxprocesses=4 tests "$@"
