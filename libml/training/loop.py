"""Training loop: steps, reports, checkpoints and signals of one run. It knows nothing of the algorithm."""

import math
import signal
import time

from libml import interrupts
from libml.training import checkpoint
from libml.training.events import EventFile, NoEvents, short_name
from libml.training.report_pictures import Pictures
from libml.utils import Diverged, progress

import numpy as np
import tensorflow as tf

KIMG = 1024  # images
# Points by which the test accuracies of averaged and of live weights differ where both are printed.
APART = 5.


class Loop:
    """The state of a running training; a context manager that owns the event file and the signal handlers.

    Args:
        model: a train.Model.
        session: an initialised or restored session of its graph.
        save_nimg: images between checkpoints.
        keep_ckpt: how many checkpoints are kept.
        report_images: how many images a report shows, 0 for no picture.

    Attributes:
        step: images seen.
        asked: the signal.Signals that asked this worker to stop, or None.
        stopped_by: the one that all workers stop by after this step, or None.
    """

    def __init__(self, model, session, save_nimg, keep_ckpt, report_images=0):
        self.model = model
        self.session = session
        self.save_nimg = save_nimg
        self.keep_ckpt = keep_ckpt
        self.report_images = report_images if model.replicas.chief else 0
        self.pictures = None  # made for the first report: graphs of views take a second or two
        self.step = int(session.run(model.step))
        self.asked = self.stopped_by = None
        self.saved = self.step or None  # the step of the last checkpoint
        self.settled = None  # the step of the model's last `settle`
        values = model.ops.loss, {**model.ops.losses, **model.ops.monitors}
        # Of each micro-batch: all but the last are only added up.
        self.parts = [(*values, model.part_op)] * (model.params.batch // model.rows - 1)
        self.last = *values, model.replicas.asked_by_all, model.ops.train_op

    def __enter__(self):
        model = self.model
        model.folder.forget_after(self.step)
        checkpoint.forget_after(model.folder.tf, self.step)
        model.streams.start(self.session, self.step // model.rows)
        with model.graph.as_default():  # Of what no checkpoint holds.
            self.session.run(tf.compat.v1.local_variables_initializer())
        self.events = (EventFile(model.folder.tf, self.step, None if self.step else model.graph)
                       if model.replicas.chief else NoEvents())
        self.events.start_hparams(self.step, {'method': model.method_name(), 'dataset': model.dataset.name,
                                              **{name: model.params[name] for name in model.HPARAMS}},
                                  short_name(model))
        self.old_handlers = interrupts.handle(self._stop)
        return self

    def __exit__(self, *exception):
        interrupts.restore(self.old_handlers)
        self.events.close()

    def _stop(self, number, frame):
        """Asks the loop to save and leave after this step. A second signal, also another one, does what it did before
        the training: it ends a script at once, without saving.

        A second SIGHUP does nothing: for a terminal that is closed, both the kernel and the shell send one.
        """
        del frame
        if not self.asked:
            self.asked = signal.Signals(number)
            if self.model.replicas.count == 1:
                self.stopped_by = self.asked
        elif number != signal.SIGHUP:
            interrupts.restore(self.old_handlers)
            signal.raise_signal(number)

    def run(self, train_nimg, report_nimg):
        """Trains until `train_nimg` images or a signal; saves at the start and at the end.

        Raises:
            OSError: stdout takes no more, as in `| head`; this step is saved.
        """
        try:
            self._run(train_nimg, report_nimg)
        except OSError:  # Of a print: those of files are InputErrors.
            if self.saved != self.step:
                self.save()
            if not self.stopped_by:  # After a SIGHUP there is no terminal to print to.
                raise

    def _run(self, train_nimg, report_nimg):
        for line in self.model.warnings(train_nimg):
            print(line, flush=True)
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
        result = result or next((row for row in self.model.folder.metrics() if row['step'] == self.step), {})
        if 'accuracy' in result:
            print(f'{self.model.method_name()} on {self.model.dataset.name}: test accuracy {final_accuracy(result)}')

    def period(self, train_nimg, report_nimg):
        """Trains to the next multiple of `report_nimg` (or to `train_nimg`, or a signal) and reports there."""
        batch, first = self.model.params.batch, self.step
        end = min((first // report_nimg + 1) * report_nimg, train_nimg)
        title = f'Epoch {1 + first // report_nimg}/{math.ceil(train_nimg / report_nimg)}'
        start = time.monotonic()
        with progress(total=math.ceil((end - first // report_nimg * report_nimg) / batch), desc=title,
                      initial=first % report_nimg // batch, unit='img', unit_scale=batch, leave=False,
                      disable=None if self.model.replicas.chief else True) as bar:
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
        """One step, a call of train_op and of part_op before it. Returns tag -> float of its losses and monitors."""
        found = [self.session.run(fetches)[:2] for fetches in self.parts]
        *last, asked, _ = self.session.run(self.last, self.model.replicas.asks(self.asked))
        found.append(last)
        self.stopped_by = self.model.replicas.agreed(self.asked, asked)
        loss = np.mean([loss for loss, _ in found])
        values = {tag: np.mean([values[tag] for _, values in found]) for tag in found[0][1]}
        # Check every part as well: one with weight 0, or one that is not in `loss`, can be NaN while `loss` is finite.
        if not np.isfinite([loss, *(values[tag] for tag in self.model.ops.losses)]).all():
            losses = ', '.join(f'{tag} {value:g}' for tag, value in values.items())
            raise Diverged(f'loss {loss:g} at step {self.step} ({losses}): {self.advice()}')
        self.step += self.model.params.batch
        return values

    def advice(self):
        """Text that says what to try after numbers that are not finite, and names the last good checkpoint."""
        found = checkpoint.all_in(self.model.folder.tf)
        return f'try a smaller lr or loss weight; the last good checkpoint is {found[-1] if found else "none"}'

    def report(self, values, img_per_s):
        """Evaluates, prints the accuracy line, and appends to metrics.jsonl and the event file.

        Raises:
            Diverged: a weight, or what the network says of an image, is not finite; nothing is reported.
            InputError: the lock is no longer this process's; nothing is reported.
        """
        model = self.model
        self.settle()
        self.check_weights()
        try:
            accuracies = model.evaluate(self.session)
        except Diverged as error:
            raise Diverged(f'{error} after step {self.step}: {self.advice()}') from error
        text, more = model.report(self.session)
        scalars = {tag: float(value) for tag, value in values.items()}
        scalars.update(accuracies)
        scalars = {tag: value for tag, value in scalars.items() if math.isfinite(value)}
        model.folder.lock.check()
        model.folder.add_metrics(dict(step=self.step, kimg=self.step / KIMG, **scalars, img_per_s=round(img_per_s, 2)))
        self.events.add(self.step, {**scalars, 'img_per_s': img_per_s}, more + self.picture_values())
        try:
            for line in (accuracy_line(self.step, accuracies), *mask_lines(values), *filter(None, [text])):
                print(line, flush=True)
        finally:  # Also if no one reads it any more: what is saved then is the state after a report.
            model.after_report(self.session, scalars)

    def picture_values(self):
        """list of the Summary.Values of this report's pictures."""
        if not self.report_images:
            return []
        self.pictures = self.pictures or Pictures(self.model, self.report_images)
        return self.pictures.values(self.session)

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
        """Writes a checkpoint of this step, on the chief.

        Raises:
            Diverged: a weight is not finite; nothing is written.
            InputError: the lock is no longer this process's; nothing is written.
        """
        self.model.folder.lock.check()
        self.settle()
        self.check_weights()
        if self.model.replicas.chief:
            self.events.sync()
            checkpoint.save(self.session, self.model.saver, self.model.folder.tf, self.step, self.keep_ckpt)
        self.saved = self.step


def accuracy_line(step, accuracies):
    """The console's line of a report: `kimg 64     accuracy train/valid/test  100.00  48.91  47.85`.

    It has those of the averaged weights; where `far_apart`, also those of the live ones, and says which is which.
    """
    averaged = {tag: value for tag, value in accuracies.items()
                if tag.startswith('accuracy') and not tag.startswith(('accuracy/raw', 'accuracy/balanced',
                                                                      'accuracy/top'))}
    line = f'kimg {step // KIMG:<5}  accuracy {named(averaged)}'
    if far_apart(accuracies):
        raw = {tag: tag.replace('accuracy', 'accuracy/raw', 1) for tag in averaged}
        live = {tag: accuracies[raw[tag]] for tag in averaged if raw[tag] in accuracies}
        line += f' (averaged weights)  {named(live)} (live weights)'
    return line


def named(accuracies):
    """Names and values of tag -> percent: `train/valid/test  100.00  48.91  47.85`."""
    names = [tag.removeprefix('accuracy').removeprefix('/') for tag in accuracies]
    names = [{'': 'test', 'train_labeled': 'train'}.get(name, name) for name in names]
    return '/'.join(names) + '  ' + '  '.join(f'{value:.2f}' for value in accuracies.values())


def final_accuracy(accuracies):
    """The accuracy on the test images, `95.97%`; where `far_apart`, also that of the live weights."""
    text = f'{accuracies["accuracy"]:.2f}%'
    if far_apart(accuracies):
        text += f' (averaged weights), {accuracies["accuracy/raw"]:.2f}% (live weights)'
    return text


def far_apart(accuracies):
    """Whether the accuracies of averaged and of live weights on the test images differ by more than APART."""
    return ('accuracy/raw' in accuracies
            and abs(accuracies['accuracy'] - accuracies['accuracy/raw']) > APART)


def mask_lines(values):
    """`mask 0.63`, the share of unlabelled images that were trained on in the last step, of a method that has it."""
    return [f'mask {value:.2f}' for tag, value in values.items() if tag.endswith('/mask')]


def in_kimg(nimg):
    """A number of images in kimg: an int if it is whole, as flags are."""
    return float(nimg / KIMG) if nimg % KIMG else int(nimg // KIMG)
