"""CTAugment in the graph of a model: the views that it makes, and the update of its rates in each step."""

from libml import plots
from libml.augment import ctaugment
from libml.augment.cta_imagenet import ImageNetCTAugment
from libml.augment.cta_rates import Rates
from libml.augment.cta_remixmatch import ReMixMatchCTAugment
from libml.hparams import Hparam
from libml.utils import InputError
from libml.workers.rows import Rows

import numpy as np
import tensorflow as tf

# --cta_version -> the CTAugment of that repository: fixmatch@d4985a1, remixmatch@f7061eb; of fixmatch's imagenet/.
VERSIONS = dict(fixmatch=ctaugment.CTAugment, remixmatch=ReMixMatchCTAugment, imagenet=ImageNetCTAugment)
# Flags of a model with CTAugment.
SHOW_RATES = Hparam(False, 'Print CTAugment\'s rates at every report; TensorBoard has them in any case.', False)
HPARAMS = dict(
    show_rates=SHOW_RATES,
    adepth=Hparam(2, 'CTAugment: operations per image.', False, low=1, high=ctaugment.DEEPEST),
    adecay=Hparam(0.99, 'CTAugment: decay of the rates.', False, low=0, below=1),
    ath=Hparam(0.80, 'CTAugment: bins below this fraction of the best one are not used.', False, low=0,
               high=1),
    cta_version=Hparam('fixmatch', 'CTAugment of the repository of this name, fixmatch or remixmatch, which differ in '
                       'where strengths are drawn from and in the operation rescale; imagenet: that of FixMatch on '
                       'ImageNet, with other operations and no cutout.', False),
)
# Of a model of remixmatch's repository.
REMIXMATCH_HPARAMS = dict(HPARAMS, cta_version=HPARAMS['cta_version']._replace(default='remixmatch'))


def from_params(params):
    """The CTAugment of the hyper-parameters above.

    Raises:
        InputError: there is no such version.
    """
    if params.cta_version not in VERSIONS:
        raise InputError(f'--cta_version={params.cta_version}: choose one of {", ".join(VERSIONS)}')
    return VERSIONS[params.cta_version](params.adepth, params.ath, params.adecay)


class Learner:
    """A CTAugment with its rates; to be made in the model's graph before the streams that use it.

    In each step the probes, labelled images distorted with random strengths, are classified with the averaged weights
    before the update; the probability of the true class moves the rates of these strengths.

    Args:
        cta: a ctaugment.CTAugment.
        period: the rates follow the probes of every `period`-th batch.
        first: as for Rates.
    """

    def __init__(self, cta, period=1, first=0):
        self.cta = cta
        self.period = period
        self.rates = Rates(cta.LAYOUT.initial_rates(), first)
        self._report_ops = None

    def strong(self, images, draws, final_cutout=True):
        """In a stream: uint8 images -> float32 in [-1, 1] under a learned policy; `draws` belong to this batch."""
        return self.cta.strong(images, self.rates.for_batch(draws.position), draws, final_cutout)

    def probe(self, images, draws):
        """In a stream: dict of `probe`, float32 in [-1, 1], and its policies, `probe_ops` and `probe_strengths`."""
        x, policy = self.cta.probe(images, draws)
        if isinstance(draws, Rows):  # Every worker learns from the probes of all.
            policy = self.cta.sample_probe(draws.whole, draws.rows)
        return {'probe': x, 'probe_ops': policy.ops, 'probe_strengths': policy.params}

    def observe(self, t, p_probe, label, probes):
        """Computes the rates after this step; a tracker (trackers.Tracker).

        Args:
            t: number of this step's batch, int64 scalar.
            p_probe: [b, C] probabilities of the probes by the averaged weights.
            label: [b], their classes.
            probes: what `probe` gave the stream, as it comes out of it.
        """
        # 1 - |p - onehot|_1 / 2 is the probability of the true class.
        proximity = tf.gather(p_probe, label, axis=1, batch_dims=1)
        newest = self.rates.newest(t)
        policy = ctaugment.Policy(probes['probe_ops'], probes['probe_strengths'])
        rates = self.cta.update(newest, policy, proximity)
        if self.period > 1:
            rates = tf.where(tf.equal(t % self.period, 0), rates, newest)
        self._next = rates, t

    def new_values(self):
        """Tensors to compute before the step's updates."""
        return list(self._next)

    def updates(self):
        """Ops that make the new rates those after this step."""
        rates, t = self._next
        return [self.rates.write(t, rates)]

    def report(self, session, t):
        """Table of bin weights for the console; heat map of probabilities and the table for TensorBoard (Model.report).

        Args:
            t: number of the next batch, a tensor of the model's graph.
        """
        if not self._report_ops:
            newest = self.rates.newest(t)
            self._report_ops = self.cta.weights(newest), self.cta.probabilities(newest)
        weights, probabilities = session.run(self._report_ops)
        table = self.cta.table(weights)
        text = tf.compat.v1.Summary.Value(
            tag='ctaugment/weights', metadata=tf.compat.v1.SummaryMetadata(
                plugin_data=tf.compat.v1.SummaryMetadata.PluginData(plugin_name='text')),
            tensor=tf.make_tensor_proto([f'```\n{table}\n```'.encode()]))
        return table, [text] + heat_map(probabilities, self.cta)


def heat_map(probabilities, cta):
    """[Summary.Value] with a picture of the probabilities per operation of a CTAugment; [] without matplotlib."""
    rows = cta.LAYOUT.rows
    names = [f'{name} {k}' if (name, 1) in rows else name for name, k in rows]

    def draw(figure):
        axes = figure.subplots()
        shown = np.where(np.arange(probabilities.shape[1]) < cta.SEGMENTS[:, None], probabilities, np.nan)
        image = axes.imshow(shown, aspect='auto', cmap='viridis', vmin=0)
        axes.set_yticks(range(len(names)), names)
        axes.set_xlabel('range of strengths (weak to strong for most operations)')
        axes.set_title('CTAugment: probability of each range of strengths')
        figure.colorbar(image)

    return plots.summary('ctaugment/probabilities', draw)


def joined_probes(streams):
    """dict of the probes of several streams, one after the other (Learner.probe); {} if they have none."""
    if not streams or 'probe' not in streams[0]:
        return {}
    return {name: tf.concat([stream[name] for stream in streams], 0)
            for name in ('probe', 'probe_ops', 'probe_strengths')}
