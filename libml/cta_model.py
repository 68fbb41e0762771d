"""Models whose strong views are CTAugment's, and that train its rates."""

from libml import cta_learner, pair_model, views_model


class CTAViews(views_model.ViewsModel):
    """Strong views by CTAugment and a cutout, unless --augment names a strong policy (`d.d.rac`), which replaces it.

    Every labelled image is probed in each step (cta_learner.Learner).

    Attributes:
        cta: the CTAugment, or None.
        learner: its Learner, or None.
    """

    HPARAMS = dict(views_model.ViewsModel.HPARAMS, **cta_learner.HPARAMS)
    USES_CTAUGMENT = True
    FINAL_CUTOUT = True

    def resolve_params(self):
        super().resolve_params()
        cta = cta_learner.from_params(self.params)
        self.cta = cta if self.USES_CTAUGMENT and not self.strong_field.strong else None

    def path_components(self):
        dataset, *rest = super().path_components()
        return [dataset, *([self.cta.name] if self.cta else []), *rest]

    def inputs(self):
        self.learner = cta_learner.Learner(self.cta) if self.cta else None
        return super().inputs()

    def labeled_batch(self, images, draws):
        out = super().labeled_batch(images, draws)
        if not self.learner:
            return out
        # The probe starts from the same weakly augmented image that is trained on.
        weak = self.weak_part(self.labeled_field)(images, draws.within('d'))
        return {**out, **self.learner.probe(weak, draws.within('probe'))}

    def strong_view(self, images, draws):
        if not self.learner:
            return super().strong_view(images, draws)
        weak = self.weak_part(self.strong_field)(images, draws.within('d'))
        return self.learner.strong(weak, draws.within('cta'), self.FINAL_CUTOUT)

    def rates_update(self, p_probe, label, labeled):
        """Arguments `before` and `after` of train_op for the rates.

        Args:
            p_probe: [b, C] probabilities of the probes by the averaged weights; label: [b]; labeled: the stream.
        """
        return self.learner.update(self.batch_number(), p_probe, label, labeled) if self.learner else ([], None)

    def report(self, session):
        if not self.learner:
            return super().report(session)
        with self.graph.as_default():
            return self.learner.report(session, self.batch_number())


class CTAModel(CTAViews, pair_model.PairModel):
    """A PairModel with such views."""

    HPARAMS = dict(pair_model.PairModel.HPARAMS, **cta_learner.HPARAMS)
