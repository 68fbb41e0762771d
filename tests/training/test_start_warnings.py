"""Warnings at the start of a run: their conditions, their texts, and that a run prints them once."""

import re

import adamatch_runs
import commands
import runner
import toy
from dash import Dash
from fixmatch import FixMatch
from libml.training import start_warnings
from mixmatch import MixMatch
from simmatch import SimMatch

import numpy as np
import pytest


@pytest.mark.parametrize('decay, steps, most', [
    (0.999, 2999, '0.998 or less'), (0.999, 3000, None), (0.999, 256, '0.988 or less'), (0.99, 256, '0.988 or less'),
    (0.988, 256, None), (0.9, 29, '0.896 or less'), (0.9, 30, None), (1., 10 ** 6, '0.999 or less'),
    (0.5, 3, 'a longer --train_kimg'), (0.5, 6, None), (0., 1, None)])
def test_averages_that_cannot_follow(decay, steps, most):
    found = list(start_warnings.slow_average('ema', decay, steps, 'it stays'))
    assert found == ([f'warning: --ema={decay} is too slow for a run of {steps} steps: it stays; give {most}']
                     if most else [])


@pytest.mark.parametrize('labels, names, text', [
    ([0, 1, 2], 'abc', None), ([0, 2], 'abc', '1 of 3 classes are without a labelled image: b'),
    ([7], '', '7 of 8 classes are without a labelled image: 0, 1, 2, 3, 4 ...'),
    ([2, 2], 'abcdef', '5 of 6 classes are without a labelled image: a, b, d, e, f')])
def test_classes_without_a_labelled_image(labels, names, text):
    found = list(start_warnings.classes_without_label(np.array(labels), len(names) or 8, tuple(names)))
    assert found == ([f'warning: {text}'] if text else [])


@pytest.mark.parametrize('content, slow', [
    ('processor\t: 0\nflags\t\t: fpu avx512f avx512_bf16\n', False), ('flags : fpu amx_bf16 x\n', False),
    ('flags\t\t: fpu avx2 avx512f\n', True), ('Features\t: fp asimd bf16\n', False), ('Features : fp asimd\n', True),
    ('something else\n', False), (None, False)])
def test_processors_without_bfloat16(tmp_path, monkeypatch, content, slow):
    """Nothing is said where the flags cannot be read."""
    path = tmp_path / 'cpuinfo'
    if content:
        path.write_text(content)
    monkeypatch.setattr(start_warnings, 'CPUINFO', str(path))
    found = list(start_warnings.slow_bfloat16())
    assert len(found) == slow and all('--precision=bfloat16' in line and 'avx512_bf16' in line for line in found)


@pytest.mark.parametrize('params, text', [
    (dict(cta_version='remixmatch', adepth=3), '--augment=d.d.rac does not use here: --adepth=3 --cta_version='),
    (dict(confidence=0.9), None), (dict(cta_version='remixmatch', augment='d.d.d'), None)])
def test_flags_of_ctaugment_without_it(tmp_path, monkeypatch, params, text):
    monkeypatch.setattr(FixMatch, 'algorithm', toy.no_graph)
    model = FixMatch(str(tmp_path), toy.dataset(size=8), **{'augment': 'd.d.rac', **params})
    found = list(start_warnings.lines(model, 64 * 10 ** 6))
    assert found == ([f'warning: no effect without CTAugment, which {text}remixmatch'] if text else [])


@pytest.mark.parametrize('params, text', [
    (dict(lr_warmup_kimg=2., lr_decay_kimg=3.), '--lr_warmup_kimg=2.0 --lr_decay_kimg=3.0: of no effect without'),
    (dict(lr_warmup_kimg=2., schedule='staircase'), None), ({}, None)])
def test_flags_of_the_staircase_without_it(tmp_path, monkeypatch, params, text):
    monkeypatch.setattr(FixMatch, 'algorithm', toy.no_graph)
    model = FixMatch(str(tmp_path), toy.dataset(size=8), **params)
    found = list(model.warnings(64 * 10 ** 6))
    assert found == ([f'warning: {text} --schedule=staircase'] if text else [])


@pytest.mark.parametrize('method', [Dash, SimMatch])
@pytest.mark.parametrize('kimg, warned', [(8, True), (9, False)])
def test_a_warmup_that_is_never_over(tmp_path, monkeypatch, method, kimg, warned):
    monkeypatch.setattr(method, 'algorithm', toy.no_graph)
    model = method(str(tmp_path), toy.dataset(size=8), warmup_kimg=8., ema=0., batch=8)
    found = list(model.warnings(kimg * 1024))
    assert [line.partition(':')[2].partition(':')[0] for line in found] == [
        ' --warmup_kimg=8 is not over in a run of 8 kimg'] * warned


def test_a_run_says_once_what_is_wrong(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(start_warnings, 'processor_flags', lambda: {'avx2'})
    dataset = toy.dataset(nlabeled=2, class_names='abcde')
    model = MixMatch(str(tmp_path), dataset, **dict(toy.SMALL, precision='bfloat16', ema=0.99, bn_momentum=0.95))
    for nimg in (16, 32):  # A run that is resumed says it again: its length may be another.
        model.train(nimg, 8)
        lines = capsys.readouterr().out.splitlines()
        found = [line for line in lines if line.startswith('warning: ')]
        names = [re.search(r'--(\w+)|classes', line)[0] for line in found]
        assert names == ['--ema', '--bn_momentum', 'classes', '--precision']
        assert f'run of {nimg // 8} steps' in found[0] and found[2].endswith('3 of 5 classes are without a labelled '
                                                                             'image: c, d, e')
        assert lines.index(found[-1]) < min(i for i, line in enumerate(lines) if line.startswith('kimg'))


def test_nothing_is_said_of_what_is_well(tmp_path):
    """A network without batch norm has no momentum to be wrong."""
    model = MixMatch(str(tmp_path), toy.dataset(), arch='convnet', batch=8, ema=0.9)
    assert list(start_warnings.lines(model, 29 * 8)) and not list(start_warnings.lines(model, 30 * 8))


@pytest.mark.parametrize('arch, given, text', [
    ('resnet50', dict(repeat=2, filters=4, lr=1.), '--filters=4 --repeat=2: of no effect in --arch=resnet50'),
    ('conv4', dict(scales=2), '--scales=2: of no effect in --arch=conv4'), ('convnet', dict(scales=2), None),
    ('resnet', dict(repeat=2, scales=2), None), ('resnet50v2', dict(lr=1.), None)])
def test_flags_without_effect_in_a_network(arch, given, text):
    assert list(start_warnings.unused(arch, given)) == ([f'warning: {text}'] if text else [])


@pytest.mark.parametrize('script', [
    str(path.relative_to(runner.ROOT)) for folder in ('.', 'ablation')
    for path in sorted((runner.ROOT / folder).glob('[a-z]*.py')) if path.name != 'setup.py'])
def test_every_script_has_warnings_that_can_be_made(tmp_path, monkeypatch, script):
    """Also ablations, which lack flags of what they derive from."""
    model_class = commands.model_class(script)
    monkeypatch.setattr(model_class, 'algorithm', toy.no_graph)
    needed = {'id': '0'} if 'id' in model_class.HPARAMS else {}  # It has no default.
    model = model_class(str(tmp_path), adamatch_runs.dataset(7, size=8), **needed)
    assert all(line.startswith('warning: ') and '\n' not in line for line in model.warnings(1024))
