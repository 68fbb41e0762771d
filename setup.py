"""Distribution `libml`: the package and, beside it, one script per algorithm."""

import pathlib

from setuptools import setup

EXTRAS_ALL = ['matplotlib', 'scikit-learn', 'scipy', 'tensorboard']

setup(
    name='libml',
    version='0.1.0',
    description='Semi-supervised image classification (MixMatch, FixMatch, AdaMatch) as TensorFlow graphs',
    long_description=pathlib.Path(__file__).with_name('README.md').read_text(),
    long_description_content_type='text/markdown',
    license='Apache-2.0',
    packages=['ablation', 'libml'],
    py_modules=['adamatch', 'baseline', 'consistency', 'fixmatch', 'fixmatch_da', 'fully_supervised', 'ict', 'mcd',
                'mean_teacher', 'mixmatch', 'mixup', 'noisy_student', 'pi_model', 'pseudo_label', 'remixmatch', 'simclr',
                'uda', 'vat'],
    python_requires='>=3.10',
    install_requires=['tensorflow>=2.16', 'absl-py', 'easydict', 'numpy', 'tqdm'],
    extras_require={'all': EXTRAS_ALL, 'corruptions': ['matplotlib', 'pillow', 'scipy'],
                    'test': EXTRAS_ALL + ['pillow', 'pytest', 'pytest-xdist']},
)
