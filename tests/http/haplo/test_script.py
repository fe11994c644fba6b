"""The script of docs/api/haplo.md: the four steps with curl."""

from __future__ import annotations

import asyncio
import os
import shutil

import pytest

from tests.kit.haplo.client import DOMAIN, PEOPLE, a_control, a_haplo
from tests.kit.pages import fences

PAGE = "docs/api/haplo.md"


@pytest.mark.skipif(shutil.which("curl") is None, reason="the script runs curl")
async def test_the_script_imports_people(api, members, tmp_path):
    """It runs as it is shown, against the address of a domain."""
    haplo = a_haplo(api, members)
    (script,) = [fence.body for fence in fences(PAGE) if fence.language == "bash"]
    (tmp_path / "import.sh").write_text(script)
    (tmp_path / "control.json").write_bytes(a_control())
    (tmp_path / "people.tsv").write_bytes(PEOPLE)
    process = await asyncio.create_subprocess_exec(
        *("bash", "import.sh", f"{api.base}/a/{DOMAIN}"),
        cwd=tmp_path,
        env={**os.environ, "KEY": haplo.key},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await process.communicate()
    assert process.returncode == 0, err
    told = await haplo.ended(out.decode().strip())
    assert (told["state"], told["comment"]) == ("complete", "Every night")
    assert told["control"]["comment"] == "People of the clinic"
    assert (told["records"]["applied"], told["errors"]) == (2, 0)
