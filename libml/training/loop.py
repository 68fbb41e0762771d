"""Training loop: steps, reports, checkpoints and signals of one run. It knows nothing of the algorithm."""

import math
import signal
import time

from libml.training import checkpoint
from libml.training.events import EventFile
from libml.utils import Diverged

import numpy as np
from tqdm import tqdm

KIMG = 1024  # images
SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Loop:
    """The state of a running training; a context manager that owns the event file and the signal handlers.

    Args:
        model: a train.Model.
        session: an initialised or restored session of its graph.
        save_nimg: images between checkpoints.
        keep_ckpt: how many checkpoints are kept.

    Attributes:
        step: images seen.
        stopped_by: the signal.Signals that asked to stop, or None.
    """

    def __init__(self, model, session, save_nimg, keep_ckpt):
        self.model = model
        self.session = session
        self.save_nimg = save_nimg
        self.keep_ckpt = keep_ckpt
        self.step = int(session.run(model.step))
        self.stopped_by = None
        self.saved = self.step or None  # the step of the last checkpoint
        self.settled = None  # the step of the model's last `settle`
        self.fetches = (model.ops.loss, {**model.ops.losses, **model.ops.monitors}, model.ops.train_op)

    def __enter__(self):
        model = self.model
        model.folder.forget_after(self.step)
        model.streams.start(self.session, self.step // model.params.batch)
        self.events = EventFile(model.folder.tf, self.step, None if self.step else model.graph)
        self.events.start_hparams(self.step, {'method': model.method_name(), 'dataset': model.dataset.name,
                                              **{name: model.params[name] for name in model.HPARAMS}})
        self.old_handlers = [signal.signal(number, self._stop) for number in SIGNALS]
        return self

    def __exit__(self, *exception):
        self._restore_handlers()
        self.events.close()

    def _stop(self, number, frame):
        """Asks the loop to save and leave after this step; a second signal ends the process at once."""
        del frame
        self.stopped_by = signal.Signals(number)
        self._restore_handlers()

    def _restore_handlers(self):
        for number, handler in zip(SIGNALS, self.old_handlers):
            signal.signal(number, handler)

    def run(self, train_nimg, report_nimg):
        """Trains until `train_nimg` images or a signal; saves at the start and at the end."""
        if not self.step:
            self.save()
        while self.step < train_nimg and not self.stopped_by and not self.model.finished(self.session):
            self.period(train_nimg, report_nimg)
        result = None
        if not self.stopped_by:
            self.check_weights()
            result = self.model.ended(self.session)
        if result or self.saved != self.step:
            self.save()
        if self.stopped_by:
            print(f'Stopped by {self.stopped_by.name} at kimg {self.step / KIMG:.2f}, saved; the same command resumes.')
            return
        self.events.end_hparams(self.step)
        print(f'Finished at kimg {self.step / KIMG:g} in {self.model.folder.path}')
        result = result or (self.model.folder.metrics() or [{}])[-1]
        if 'accuracy' in result:
            print(f'{self.model.method_name()} on {self.model.dataset.name}: test accuracy {result["accuracy"]:.2f}%')

    def period(self, train_nimg, report_nimg):
        """Trains to the next multiple of `report_nimg` (or to `train_nimg`, or a signal) and reports there."""
        batch, first = self.model.params.batch, self.step
        end = min((first // report_nimg + 1) * report_nimg, train_nimg)
        title = f'Epoch {1 + first // report_nimg}/{math.ceil(train_nimg / report_nimg)}'
        start = time.monotonic()
        with tqdm(total=math.ceil((end - first // report_nimg * report_nimg) / batch), desc=title,
                  initial=first % report_nimg // batch, unit='img', unit_scale=batch, leave=False, disable=None) as bar:
            while self.step < end and not self.stopped_by:
                values = self.one_step()
                bar.update()
                done = self.step >= end
                if done:
                    bar.close()
                    self.report(values, (self.step - first) / (time.monotonic() - start))
                    start = time.monotonic()
                # After the report: a run killed in between reports again instead of never.
                if self.step // self.save_nimg > (self.step - batch) // self.save_nimg:
                    self.save()

    def one_step(self):
        """One run of train_op. Returns tag -> float of this step's losses and monitors."""
        loss, values, _ = self.session.run(self.fetches)
        # Check every part as well: one with weight 0, or one that is not in `loss`, can be NaN while `loss` is finite.
        if not np.isfinite([loss, *(values[tag] for tag in self.model.ops.losses)]).all():
            losses = ', '.join(f'{tag} {value:g}' for tag, value in values.items())
            raise Diverged(f'loss {loss:g} at step {self.step} ({losses}): {self.advice()}')
        self.step += self.model.params.batch
        return values

    def advice(self):
        """Text that says what to try after numbers that are not finite, and names the last good checkpoint."""
        found = checkpoint.all_in(self.model.folder.tf)
        return f'try a smaller lr; the last good checkpoint is {found[-1] if found else "none"}'

    def report(self, values, img_per_s):
        """Evaluates, prints the accuracy line, and appends to metrics.jsonl and the event file.

        Raises:
            Diverged: a weight is not finite; nothing is reported.
        """
        model = self.model
        self.settle()
        self.check_weights()
        accuracies = model.evaluate(self.session)
        print(accuracy_line(self.step, accuracies), flush=True)
        text, more = model.report(self.session)
        if text:
            print(text, flush=True)
        scalars = {tag: float(value) for tag, value in values.items()}
        scalars.update(accuracies)
        scalars = {tag: value for tag, value in scalars.items() if math.isfinite(value)}
        model.folder.add_metrics(dict(step=self.step, kimg=self.step / KIMG, **scalars, img_per_s=round(img_per_s, 2)))
        self.events.add(self.step, {**scalars, 'img_per_s': img_per_s}, more)
        model.after_report(self.session, scalars)

    def settle(self):
        """Has the model settle its variables, once where a report and a checkpoint are of one step."""
        if self.settled != self.step:
            self.model.settle(self.session)
            self.settled = self.step

    def check_weights(self):
        """Diverged if one is not finite."""
        if not self.session.run(self.model.all_finite):
            raise Diverged(f'weights are not finite after step {self.step}: {self.advice()}')

    def save(self):
        """Writes a checkpoint of this step.

        Raises:
            Diverged: a weight is not finite; nothing is written.
        """
        self.settle()
        self.check_weights()
        checkpoint.save(self.session, self.model.saver, self.model.folder.tf, self.step, self.keep_ckpt)
        self.saved = self.step


def accuracy_line(step, accuracies):
    """The console's line of a report: `kimg 64     accuracy train/valid/test  100.00  48.91  47.85`."""
    titles = {tag: tag.removeprefix('accuracy').removeprefix('/') or 'test' for tag in accuracies
              if tag.startswith('accuracy') and not tag.startswith('accuracy/raw')}
    names = '/'.join('train' if title == 'train_labeled' else title for title in titles.values())
    return f'kimg {step // KIMG:<5}  accuracy {names}  ' + '  '.join(f'{accuracies[tag]:.2f}' for tag in titles)
