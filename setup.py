"""Distribution `libml`: the package and, beside it, one script per algorithm."""

import pathlib
import re

from setuptools import find_packages, setup

HERE = pathlib.Path(__file__).parent
VERSION = re.search(r"^__version__ = '(.*)'$", (HERE / 'libml' / '__init__.py').read_text(), re.MULTILINE)[1]
EXTRAS_ALL = ['h5py', 'matplotlib', 'pillow>=10.3', 'scikit-learn', 'scipy', 'tensorboard']

setup(
    name='libml',
    version=VERSION,
    description='Semi-supervised image classification (MixMatch, FixMatch, AdaMatch) as TensorFlow graphs',
    long_description=(HERE / 'README.md').read_text(),
    long_description_content_type='text/markdown',
    license='Apache-2.0',
    packages=[*find_packages(include=['ablation', 'libml', 'libml.*']), 'libml_scripts'],
    # `python scripts/x.py` of a checkout is `python -m libml_scripts.x` where it is installed.
    package_dir={'libml_scripts': 'scripts'},
    py_modules=sorted(path.stem for path in HERE.glob('*.py') if path.name != 'setup.py'),
    python_requires='>=3.10',
    install_requires=['tensorflow>=2.16', 'absl-py', 'easydict', 'numpy', 'tqdm'],
    extras_require={'all': EXTRAS_ALL, 'corruptions': ['matplotlib', 'pillow', 'scipy'],
                    # Without importlib_resources, which it does not ask for, TensorFlow Datasets cannot be imported.
                    'tfds': ['tensorflow-datasets', 'importlib_resources'],
                    'test': EXTRAS_ALL + ['pytest', 'pytest-xdist', 'ruff', 'setuptools', 'wheel']},
)
