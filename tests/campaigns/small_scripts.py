"""Flags of every method's script for a run of a few seconds, without downloads."""

import runner

RUN = ['--batch=64', '--filters=4', '--bn_momentum=0.9', '--arch=convnet', '--scales=1', '--train_kimg=2',
       '--report_kimg=1', '--save_kimg=1', '--report_images=0']
DIGITS = ['--dataset=digits.1@40-100']
PAIR = [*DIGITS, '--ema=0.9']
# Without CTAugment, whose graph takes long, but for two.
STRONG = [*PAIR, '--uratio=1', '--augment=d.d.r1_1_0']
SURE = [*STRONG, '--confidence=0.4']
LABELED = ['--source=digits', '--target=digits_m', '--augment=(s,r1_1_0)', '--ema=0.9']
DOMAINS = [*LABELED, '--uratio=1']
PARAMS = dict(
    mixmatch=[*PAIR, '--report_images=2', '--warmup_kimg=2'], remixmatch=PAIR, fixmatch=[*PAIR, '--uratio=1'],
    uda=STRONG,
    flexmatch=SURE, freematch=[*STRONG, '--ema_p=0.9'], softmatch=[*STRONG, '--ema_p=0.9', '--align=labeled'],
    dash=[*STRONG, '--warmup_kimg=1', '--drop_kimg=1'], defixmatch=SURE, simmatch=[*SURE, '--warmup_kimg=1'],
    comatch=[*SURE, '--contrast_confidence=0.1'], mixup=PAIR, pseudo_label=PAIR, pi_model=PAIR, mean_teacher=PAIR,
    vat=PAIR, ict=PAIR, fully_supervised=['--dataset=digits-100', '--ema=0.9'], adamatch=DOMAINS, baseline=DOMAINS,
    fixmatch_da=DOMAINS, mcd=[*DOMAINS, '--arch=resnet', '--repeat=1'], fully_supervised_da=LABELED,
    noisy_student=[*DOMAINS, '--id=0'],
    consistency=[*DIGITS, '--average=swa', '--swa_bn_images=64'], simclr=[*DIGITS, '--uratio=1', '--views=simclr'])


def names():
    """Of all methods' scripts, as `mixmatch.py`."""
    return sorted(path.name for path in runner.ROOT.glob('*.py') if path.name != 'setup.py')


def flags(script, folder, data_dir):
    """The flags of a script that trains below a folder."""
    return [*RUN, *PARAMS[script.removesuffix('.py')], f'--data_dir={data_dir}', f'--train_dir={folder}']
