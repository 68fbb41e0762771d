"""What workers compare before they start."""

import toy
from libml.workers import identity
from mixmatch import MixMatch


def test_arguments_data_and_code(tmp_path, monkeypatch):
    class Other(MixMatch):
        pass

    args = dict(lr=0.1, seed=2, train_dir='here', data_dir='there', keep_ckpt=3)
    model = type('Model', (MixMatch,), dict(__init__=lambda self: setattr(self, 'dataset', toy.dataset())))
    found = identity.of(model(), args)
    assert found['lr'] == 0.1 and not set(found) & set(identity.CHIEF)
    assert found['data'] == identity.data(toy.dataset()) != identity.data(toy.dataset(nlabeled=25))
    assert identity.code(MixMatch) == identity.code(MixMatch) != identity.code(Other)
    (tmp_path / 'more.py').write_text('1')
    before = identity.code(MixMatch)
    monkeypatch.setattr(identity, 'LIBML', tmp_path)
    assert identity.code(MixMatch) != before
