"""What a start finds in the folder of its run: pieces that a kill left, and files that are gone."""

import contextlib
import glob
import os
import shutil

from libml.training import checkpoint
from libml.utils import InputError


def newest(folder, lacks):
    """The prefix of the checkpoint that a run resumes from, as checkpoint.newest_whole; None if it has not begun.

    Where the last reports before it are lost, it is the one before that, and training makes them again. Removes what
    kills in the midst of a write left. The process holds the lock of `folder`, a RunFolder.

    Args:
        lacks: function (step of the last report, step of a checkpoint) -> whether there was a report in between.
    Raises:
        InputError: no checkpoint can be read, or the run had begun and has no checkpoint.
    """
    for piece in glob.glob(os.path.join(glob.escape(folder.tf), checkpoint.SAVING.format('*'))):
        shutil.rmtree(piece, ignore_errors=True)
    for path in (folder.args_file, folder.metrics_file, os.path.join(folder.tf, 'checkpoint')):
        for piece in glob.glob(f'{glob.escape(path)}.*.part'):
            with contextlib.suppress(OSError):
                os.unlink(piece)
    found = checkpoint.newest_whole(folder.tf)
    if not found:
        _check_new(folder)
        return None
    return _with_reports(folder, found, lacks)


def _with_reports(folder, found, lacks):
    """The checkpoint `found`, or the next older one if that has its reports and `found` has not. Prints a line then."""
    rows, step = folder.metrics(), checkpoint.step_of(found)
    if not rows or not lacks(rows[-1]['step'], step):
        return found
    gone = f'{folder.metrics_file} lacks the reports from kimg {rows[-1]["kimg"]:g} to {step / 1024:g}'
    older = [prefix for prefix in checkpoint.all_in(folder.tf) if checkpoint.step_of(prefix) < step][-1:]
    if older and checkpoint.step_of(older[0]) <= rows[-1]['step'] and checkpoint.is_whole(older[0]):
        print(f'{gone}: they are made again')
        return older[0]
    print(f'{gone}: no checkpoint is left to make them again from')
    return found


def _check_new(folder):
    """InputError if a run without an index of a checkpoint has reports, or data of a checkpoint."""
    rows, steps = folder.metrics(), checkpoint.without_index(folder.tf)
    there = [f'{os.path.basename(folder.metrics_file)} has reports up to kimg {row["kimg"]:g}' for row in rows[-1:]]
    there += [f'tf/ has data of kimg {step / 1024:g}' for step in steps[-1:] if step]
    if there:
        raise InputError(f'{folder.path} has no checkpoint, {os.path.join("tf", checkpoint.NAME)}-*.index, but '
                         f'{" and ".join(there)}: restore these files, or delete the folder to begin anew, or give '
                         '--rerun=NAME for another run')


def lines(folder, found):
    """Yields texts of one line: where a run resumes, from the checkpoint `found` or None, and what is done again."""
    if not found:
        return
    step = checkpoint.step_of(found)
    later = [row for row in folder.metrics() if row['step'] > step]
    yield f'Resumes from {os.path.basename(found)}, of kimg {step / 1024:g}' + (
        f': later reports, up to kimg {later[-1]["kimg"]:g}, are dropped and made again' if later else '')
    if step and not os.path.exists(folder.metrics_file):
        yield f'{folder.metrics_file} is missing: a new one has no reports up to kimg {step / 1024:g}'
