"""A disk of a size that can be changed, a tmpfs, for one process and its children."""

import errno
import os
import pathlib
import shutil
import subprocess
import sys

MARK = 'LIBML_TESTS_OWN_MOUNTS'
LARGE = 1 << 28
PAGE = 4096
ERRORS = (errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EROFS)


def own_mounts():
    """Starts this program anew, in a namespace where it may mount what no other process sees, if that can be had."""
    command = ['unshare', '--mount'] + ['--map-root-user'] * bool(os.getuid())
    if MARK not in os.environ and shutil.which('unshare') and not subprocess.run([*command, 'true']).returncode:
        os.execvpe('unshare', [*command, sys.executable, *sys.argv], dict(os.environ, **{MARK: '1'}))


class Disk:
    """An empty disk at `path`; without the right to mount, a folder of which nothing but its files is limited."""

    def __init__(self, path):
        self.path = pathlib.Path(path)
        self.path.mkdir(exist_ok=True)
        self.mounted = False
        self.make()

    def make(self):
        """Makes it empty, large and whole."""
        self.close()
        self.path.mkdir()
        command = ['mount', '-t', 'tmpfs', '-o', f'size={LARGE},mode=755', 'tmpfs', self.path]
        self.mounted = MARK in os.environ and not subprocess.run(command, check=False).returncode

    def close(self):
        """Removes it."""
        if self.mounted:
            subprocess.run(['umount', self.path], check=True)
        shutil.rmtree(self.path)

    def resize(self, size):
        self._remount(f'size={-(-int(size) // PAGE) * PAGE}')

    def read_only(self):
        self._remount('ro')

    def repair(self):
        """Makes it large and writable again."""
        if self.mounted:
            self._remount(f'rw,size={LARGE}')

    def _remount(self, options):
        subprocess.run(['mount', '-o', f'remount,{options}', self.path], check=True)

    def used(self):
        """Bytes that are taken."""
        found = os.statvfs(self.path)
        return (found.f_blocks - found.f_bfree) * found.f_frsize
