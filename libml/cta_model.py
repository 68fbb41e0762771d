"""A PairModel whose strong views are CTAugment's, and that trains its rates."""

import io

import numpy as np
import tensorflow as tf

from libml import ctaugment, pair_model
from libml.cta_rates import Rates
from libml.ctaugment import CTAugment
from libml.utils import InputError


class CTAModel(pair_model.PairModel):
    """Strong views by CTAugment and a cutout, unless --augment names a strong policy (`d.d.rac`), which replaces it.

    Every labelled image is probed in each step: distorted with random strengths and classified with the averaged
    weights before the update; the probability of its true class moves the rates of these strengths.

    Attributes:
        cta: the CTAugment, or None.
    """

    HPARAMS = dict(
        pair_model.PairModel.HPARAMS,
        adepth=(2, 'CTAugment: operations per image.', False),
        adecay=(0.99, 'CTAugment: decay of the rates.', False),
        ath=(0.80, 'CTAugment: bins below this fraction of the best one are not used.', False),
    )
    USES_CTAUGMENT = True
    FINAL_CUTOUT = True

    def resolve_params(self):
        super().resolve_params()
        p = self.params
        if p.adepth < 1 or not 0 <= p.adecay < 1 or not 0 <= p.ath <= 1:
            raise InputError(f'--adepth={p.adepth} --adecay={p.adecay} --ath={p.ath}: give a depth of at least 1, a '
                             'decay in [0, 1) and a threshold in [0, 1]')
        self.cta = None
        if self.USES_CTAUGMENT and not self.strong_field.strong:
            self.cta = CTAugment(p.adepth, p.ath, p.adecay)

    def path_components(self):
        dataset, *rest = super().path_components()
        return [dataset, *([self.cta.name] if self.cta else []), *rest]

    def inputs(self):
        if self.cta:
            self.rates = Rates()
        return super().inputs()

    def labeled_batch(self, images, draws):
        out = super().labeled_batch(images, draws)
        if not self.cta:
            return out
        # The probe starts from the same weakly augmented image that is trained on.
        weak = self.weak_part(self.labeled_field)(images, draws.within('d'))
        probe, policy = self.cta.probe(weak, draws.within('probe'))
        return dict(out, x=probe, ops=policy.ops, params=policy.params)

    def strong_view(self, images, draws):
        if not self.cta:
            return super().strong_view(images, draws)
        weak = self.weak_part(self.strong_field)(images, draws.within('d'))
        return self.cta.strong(weak, self.rates.for_batch(draws.position), draws.within('cta'), self.FINAL_CUTOUT)

    def rates_update(self, p_probe, label, labeled):
        """What train_op needs for the rates.

        Args:
            p_probe: [b, C] probabilities of the probes by the averaged weights; label: [b]; labeled: the stream.
        Returns:
            tensors to compute before the step's updates, and a function that makes the update ops.
        """
        if not self.cta:
            return [], None
        step = self.step.read_value() // self.params.batch
        # 1 - |p - onehot|_1 / 2 is the probability of the true class.
        proximity = tf.gather(p_probe, label, axis=1, batch_dims=1)
        rates = self.cta.update(self.rates.newest(step), ctaugment.Policy(labeled.ops, labeled.params), proximity)
        return [rates, step], lambda: [self.rates.write(step, rates)]

    def report(self, session):
        """The table of bin weights for the console; a heat map of probabilities and the table for TensorBoard."""
        if not self.cta:
            return super().report(session)
        with self.graph.as_default():
            if not hasattr(self, '_report_ops'):
                newest = self.rates.newest(self.step.read_value() // self.params.batch)
                self._report_ops = self.cta.weights(newest), self.cta.probabilities(newest)
        weights, probabilities = session.run(self._report_ops)
        table = self.cta.table(weights)
        text = tf.compat.v1.Summary.Value(
            tag='ctaugment/weights', metadata=tf.compat.v1.SummaryMetadata(
                plugin_data=tf.compat.v1.SummaryMetadata.PluginData(plugin_name='text')),
            tensor=tf.make_tensor_proto([f'```\n{table}\n```'.encode()]))
        return table, [text] + heat_map(probabilities)


def heat_map(probabilities):
    """[Summary.Value] with a picture of the bin probabilities per operation; [] without matplotlib."""
    try:
        from matplotlib.figure import Figure
    except ImportError:
        return []
    names = [f'{name} {k}' if (name, 1) in ctaugment.ROWS else name for name, k in ctaugment.ROWS]
    figure = Figure(figsize=(8, 6), layout='constrained')
    axes = figure.subplots()
    shown = np.where(ctaugment.MASK, probabilities, np.nan)
    image = axes.imshow(shown, aspect='auto', cmap='viridis', vmin=0)
    axes.set_yticks(range(len(names)), names)
    axes.set_xlabel('bin (weak to strong for most operations)')
    axes.set_title('CTAugment: probability of each bin')
    figure.colorbar(image)
    png = io.BytesIO()
    figure.savefig(png, format='png', dpi=80)
    return [tf.compat.v1.Summary.Value(tag='ctaugment/probabilities', image=tf.compat.v1.Summary.Image(
        encoded_image_string=png.getvalue(), height=480, width=640, colorspace=3))]
