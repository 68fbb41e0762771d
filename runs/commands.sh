# Sourced by scripts that print commands. Before: $known names their tables, $seeds and $kimg are the defaults.
# Reads `TABLE ... --seeds="1 2" --kimg=16` into $tables (all of $known without a name), $seeds and $kimg.

tables=
for argument in "$@"; do
  case $argument in
    --seeds=*)
      seeds=${argument#*=}
      if ! [[ $seeds =~ ^(\ *[0-9]+)+\ *$ ]]; then
        echo "error: $argument: give whole numbers with spaces between, such as --seeds=\"1 2\"" >&2
        exit 1
      fi ;;
    --kimg=*)
      kimg=${argument#*=}
      if ! [[ $kimg =~ ^[0-9]*[1-9][0-9]*$ ]]; then
        echo "error: $argument: give a whole number above 0, such as --kimg=64" >&2
        exit 1
      fi ;;
    *) case " $known " in
         *" $argument "*) tables="$tables $argument" ;;
         *) echo "error: unknown argument $argument: give ${known// /, }, --seeds=, --kimg=" >&2; exit 1 ;;
       esac ;;
  esac
done
tables=${tables:-$known}

# Names of the dataset $1 with each of the label counts $2, for each seed.
splits() {
  local labels seed
  for labels in $2; do
    for seed in $seeds; do
      echo "$1.$seed@$labels-1"
    done
  done
}

# The command of each line of the input (a script and its flags) on each of the datasets $2, in experiments/$1.
commands() {
  local line dataset
  while read -r line; do
    for dataset in $2; do
      echo "python $line --dataset=$dataset --train_kimg=$kimg --train_dir=experiments/$1"
    done
  done
}
