"""Puts Azurite's lock files into the wheel; everything else stands in pyproject.toml."""

from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py

LOCK_FILES = ("package.json", "package-lock.json", ".npmrc")


class BuildWithLock(build_py):
    """`azurite/` lies beside the package in a checkout and inside it in a wheel."""

    def run(self) -> None:
        """Copy the files after the modules."""
        super().run()
        if not self.editable_mode:
            target = Path(self.build_lib) / "azure_emulator" / "azurite_lock"
            self.mkpath(str(target))
            for name in LOCK_FILES:
                self.copy_file(str(Path("azurite") / name), str(target / name))


setup(cmdclass={"build_py": BuildWithLock})
