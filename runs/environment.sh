# Sourced by the other scripts: enters the checkout and its virtual environment, which is made if it is not there.
# Needs Python >= 3.10 with venv, and pip's package index. $1: the extra to install (all, test).

cd "$(dirname "${BASH_SOURCE[0]}")/.."
if [ ! -x .venv/bin/pip ]; then
  python3 -c 'import sys; sys.exit(sys.version_info < (3, 10))' || { echo 'error: Python 3.10 or newer is needed'; exit 1; }
  python3 -m venv .venv
fi
# The marker holds what was installed for: the environment is reused until setup.py or the extra changes.
if ! cat setup.py <(echo "$1") | cmp -s - ".venv/installed-$1"; then
  echo "Installing libml[$1] and what it needs into .venv (about 2 GB) ..."
  .venv/bin/pip install --quiet --disable-pip-version-check --editable ".[$1]"
  cat setup.py <(echo "$1") > ".venv/installed-$1"
fi
export PATH="$PWD/.venv/bin:$PATH"
