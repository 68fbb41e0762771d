"""The command of a method's script: its flags, and what they start."""

import sys

from libml import old_flags
from libml.training.loop import KIMG
from libml.utils import no_arguments, run_main
from libml.workers import replicas

from absl import flags

FLAGS = flags.FLAGS


def run(model_class, **defaults):
    """The main of a script: defines the flags of `model_class`, then trains it, or evaluates it with --eval_ckpt.

    It trains as one of the workers that TF_CONFIG names, if any.

    Args:
        model_class: a Model; its LOOP_FLAGS and HPARAMS become flags.
        defaults: values of flags that differ from these.
    """
    table = {**model_class.LOOP_FLAGS, **model_class.HPARAMS}
    for name, spec in table.items():
        # As flags of the script itself: --help shows those.
        spec.define(sys.argv[0], name, defaults.get(name, spec.default))
    old_flags.define(sys.argv[0], table, model_class.OLD_FLAGS)

    def main(argv):
        no_arguments(argv)
        args = {name: FLAGS[name].value for name in table}
        old_flags.take(args, model_class.OLD_FLAGS)
        args = {name: spec.checked(name, args[name]) for name, spec in table.items()}
        # Only what is given: other defaults may follow from it (Model.own_defaults).
        params = {name: args[name] for name, spec in model_class.HPARAMS.items()
                  if FLAGS[name].present or args[name] != spec.default}
        workers = replicas.Single() if args['eval_ckpt'] else replicas.from_environment()
        with workers.quiet():
            params.update(dict(replicas=workers) if workers.count > 1 else {})
            model = model_class(args['train_dir'], model_class.load_dataset(args), **params)
            if args['eval_ckpt']:
                model.eval_checkpoint(args['eval_ckpt'])
                return None
            number = model.train(args['train_kimg'] * KIMG, args['report_kimg'] * KIMG, args['save_kimg'] * KIMG,
                                 args['keep_ckpt'], args['report_images'])
        return 128 + number if number else None  # So that a script of several runs ends with the one that was stopped.

    run_main(main)
