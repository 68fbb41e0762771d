"""PlateauModel: ranges of its flags, and what a report changes."""

import toy
from libml.methods.plateau_model import PlateauModel
from libml.networks import nn
from refusals import refused

import numpy as np
from easydict import EasyDict

SMALL = dict(toy.SMALL, lr=0.8, plateau_patience=1, plateau_factor=0.5, stop_patience=2)


class OneWeight(PlateauModel):
    """Network of a single weight, which stands for the accuracies."""

    def algorithm(self):
        self.weight = nn.variable('classify/w', [1], nn.zeros)
        self.rate = self.make_plateau()
        return EasyDict()

    def evaluate(self, session):
        return session.run(self.weight).tolist()


def build(folder, dataset=None, **params):
    return OneWeight(str(folder), dataset or toy.dataset(), **{**SMALL, **params})


def test_validation_images_are_needed_only_where_something_follows_them(tmp_path):
    data = toy.dataset()
    data.valid = data.valid.take(0)
    for off in ('plateau_patience', 'stop_patience'):
        with refused('--dataset=toy has no validation images', '--plateau_patience=0 --stop_patience=0'):
            build(tmp_path, data, **{off: 0})
    model = build(tmp_path, data, plateau_patience=0, stop_patience=0)
    assert not model.depends_on_reports and model.stopping is None
    with model.session() as session:
        assert model.finished(session) is False and model.ended(session) is None
        model.after_report(session, {'losses/valid': 1.})
        model.after_report(session, {'losses/valid': 2.})
        np.testing.assert_allclose(session.run(model.rate), 0.8)


def test_reports_that_are_no_better_change_the_rate_and_end_training(tmp_path, capsys):
    model = build(tmp_path)
    assert model.depends_on_reports and model.score({'losses/valid': 0.25, 'accuracy': 1.}) == -0.25
    with model.session() as session:
        for i, loss in enumerate([0.5, 0.25, 0.75, None, 0.5]):
            assert not model.finished(session)
            toy.set_variables(model, session, {'classify/w': [i]})
            model.after_report(session, {} if loss is None else {'losses/valid': loss})
        np.testing.assert_allclose(session.run(model.rate), 0.8 / 4)
        assert model.finished(session) and model.ended(session) == [1]
        assert session.run(model.weight) == [1]
    assert capsys.readouterr().out == 'No better for 1 reports: lr 0.4\nNo better for 1 reports: lr 0.2\n'
