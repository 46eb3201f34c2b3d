"""The process of one step, begun before its command is known."""

from __future__ import annotations

import asyncio
import marshal
import shutil
from contextlib import suppress
from typing import TYPE_CHECKING

from ...supervisor import FROM_STDIN, supervised

if TYPE_CHECKING:
    from pathlib import Path


class StepProcess:
    """A supervisor that waits for its command while the inputs still come down."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    @classmethod
    async def start(cls, log: Path) -> StepProcess:
        """Begin one whose output goes to the log."""
        with log.open("ab") as output:
            process = await asyncio.create_subprocess_exec(
                *supervised(FROM_STDIN),
                stdin=asyncio.subprocess.PIPE,
                stdout=output,
                stderr=asyncio.subprocess.STDOUT,
            )
        return cls(process)

    async def run(
        self, line: str, folder: Path, variables: dict[str, str], limit_seconds: float | None
    ) -> int | None:
        """Run a line of shell; give its exit code, or None when its time was over."""
        shell = shutil.which("bash") or "/bin/sh"
        self._say(marshal.dumps((str(folder), variables, [shell, "-c", line])))
        try:
            async with asyncio.timeout(limit_seconds):
                return await self._process.wait()
        except TimeoutError:
            await self._end()
            return None
        except asyncio.CancelledError:
            await self._end()
            raise

    async def abandon(self) -> None:
        """End it although it never had a command."""
        self._say(b"")
        await self._process.wait()

    def _say(self, content: bytes) -> None:
        if self._process.stdin:
            self._process.stdin.write(content)
            self._process.stdin.close()

    async def _end(self) -> None:
        with suppress(ProcessLookupError):
            self._process.terminate()
        await self._process.wait()
