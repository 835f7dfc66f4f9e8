"""Templates of a project reach no interpreter, and their work is bounded: an error of that project alone."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from snowloop.errors import ProjectError
from snowloop.project import include_dir, load_project, usable_projects
from snowloop.sql import render_project
from snowloop.templates import sandbox
from tests.support.tiny import tiny

INTERPRETER = [
    "{{ ''.__class__.__mro__[1].__subclasses__() }}",
    "{{ identifier.__globals__ }}",
    "{{ identifier.__globals__['re'].sys.modules['os'].environ }}",
    "{{ as_of.__closure__ }}",
    "{{ source.__init__.__globals__ }}",
    "{{ source['__class__'] }}",
    "{{ source | attr('__class__') }}",
    "{{ [source] | map(attribute='__class__') | first }}",
    "{{ '{0.__class__}'.format(source) }}",
    "{{ '{0.__class__}' | format(source) }}{{ 'x'.format_map.__globals__ }}",
    "{{ range.__self__ }}{{ range.mro() }}",
    "{{ namespace.__init__.__globals__ }}",
    "{{ joiner.__init__.__globals__ }}",
    "{{ self._TemplateReference__context }}",
    "{{ self.__init__.__globals__ }}",
    "{{ (1).__class__ }}",
    "{% set x = [] %}{{ x.append(1) }}",
    "{{ {}.update({1: 2}) }}",
    "{% include '../secret' %}",
    "{% include '/etc/passwd' %}",
    "{% import 'os' as os %}",
    "{{ undefined_name }}",
]
"""Each reads what is not the template's, or changes what was given to it."""
WORK = [
    "{% for each in range(10**9) %}x{% endfor %}",
    "{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}",
    "{% macro deep() %}{{ deep() }}{% endmacro %}{{ deep() }}",
    "{% include 'features.sql' %}",
    "{{ 'x' * 10**10 }}",
    "{{ 10**10 * 'x' }}",
    "{{ [0] * 10**10 }}",
    "{{ 9**(9**(9**9)) }}",
    "{{ 9**(9**9) }}",
    "{{ '%9999999999d' % 1 }}",
    "{{ '%*d' % (10**10, 1) }}",
    "{{ '%*d' | format(10**10, 1) }}",
    "{{ '{:>9999999999}'.format(1) }}",
    "{{ '{:{}}'.format(1, 10**10) }}",
    "{{ 'x' | center(10**10) }}",
    "{{ 'x\nx' | indent(10**10) }}",
    "{{ 'x'.ljust(10**10) }}",
    "{{ (5).to_bytes(10**10, 'big') }}",
    "{{ 5.0 | round(10**10) }}",
    "{{ {1: 2} | tojson(indent=10**10) }}",
    "{% set s = namespace(x='x') %}{% for i in range(60) %}{% set s.x = s.x ~ s.x %}{% endfor %}",
    "{% set s = namespace(x='x') %}{% for i in range(60) %}{% set s.x %}{{ s.x }}{{ s.x }}{% endset %}{% endfor %}",
    "{% set s = namespace(x='x') %}{% for i in range(60) %}{% set s.x = s.x + s.x %}{% endfor %}",
    "{% set s = namespace(x='x') %}{% for i in range(60) %}{% set s.x = [s.x, s.x] | join %}{% endfor %}",
    "{{ ([('x' * 1000000)] * 99999) | join }}",
    "{{ ([('x' * 1000000)] * 99999) | select | join }}",
    "{{ '%(x)s%(x)s' * 9999 % {'x': 'x' * 1000000} }}",
    "{{ ('{0}' * 9999).format('x' * 1000000) }}",
    "{{ ('x' * 1000000) | replace('x', 'y' * 1000000) }}",
    "{% set s = 'x' * 1000000 %}{% for i in range(99999) %}{% if s[1:] == s[:-1] %}{% endif %}{% endfor %}",
    "{% for i in range(99999) %}{{ range(99999) | list | sort }}{% endfor %}",
    "{% set s %}{% for i in range(99999) %}" + "x" * 9999 + "{% endfor %}{% endset %}",
    "{% for i in range(99999) recursive %}{{ loop(range(99999)) }}{% endfor %}",
    "{{ " + "(" * 3000 + "1" + ")" * 3000 + " }}",
]
"""Each would need minutes or gigabytes."""
FINE = """SELECT {% for i in range(2000) %}{% if i % 7 != 8 %}
    {{ ('F' ~ i) | identifier }}::FLOAT * {{ (i + 0.5) | round(2) }} AS {{ ('F%d' % i)[:40] | identifier }},
{% endif %}{% endfor %}{{ ['A', 'B'] | map('upper') | join(', ') }}
FROM {{ source }} WHERE DAY > {{ 20260101 | literal }};
"""


def project_with(folder: Path, template: str, name: str = "tiny") -> None:
    """The tiny project, with a features.sql."""
    tiny(folder)
    (folder / "tiny" / "features.sql").write_text(f"{template} SELECT * FROM {{{{ source }}}}")


def rendered(folder: Path, template: str) -> str:
    project_with(folder, template)
    return render_project(load_project("tiny", folder), "features.sql", source="T", as_of=lambda *_: "")


@pytest.mark.parametrize("template", INTERPRETER)
def test_a_template_of_a_project_reaches_no_interpreter(tmp_path: Path, template: str):
    (tmp_path / "secret").write_text("PLANTED")
    with pytest.raises(ProjectError, match=r"features.sql") as error:
        rendered(tmp_path, template)
    assert "PLANTED" not in str(error.value)


@pytest.mark.parametrize("template", INTERPRETER[:7])
def test_nor_does_a_template_of_snowloop(template: str):
    with pytest.raises(Exception, match="unsafe"):
        sandbox().from_string(template).render(source="T", identifier=render_project, as_of=lambda: tiny)


MEASURED = """
import resource, sys, time
from pathlib import Path
from tests.attack.test_templates import WORK, rendered
from snowloop.errors import ProjectError
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
for place, template in enumerate(WORK):
    began = time.process_time()
    try:
        rendered(Path(sys.argv[1]) / str(place), template)
    except ProjectError as error:
        assert len(str(error)) < 2000, (template, len(str(error)))
    else:
        sys.exit(f"not refused: {template[:100]}")
    used = time.process_time() - began
    if used > 10:
        sys.exit(f"{used:.0f} s of processor time: {template[:100]}")
print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024)
"""


def test_a_template_of_a_project_fills_neither_time_nor_memory(tmp_path: Path):
    """In a process whose memory and processor time end, so that a failure of this test ends too."""
    limited = f"import resource; resource.setrlimit(resource.RLIMIT_CPU, (200, 200)){MEASURED}"
    ended = subprocess.run(
        [sys.executable, "-c", limited, str(tmp_path)],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(["plugins", "."])},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert ended.returncode == 0, ended.stderr[-2000:]
    assert int(ended.stdout) < 300  # megabytes


def test_what_a_project_needs_is_rendered(tmp_path: Path):
    tiny(tmp_path)
    (tmp_path / "tiny" / "features.sql").write_text(FINE)
    text = render_project(load_project("tiny", tmp_path), "features.sql", source="T")
    assert text.count("::FLOAT") == 2000
    assert text.endswith("A, B\nFROM T WHERE DAY > 20260101")


def test_such_a_project_stops_no_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("SNOWLOOP_PROJECTS", str(tmp_path))
    others = {each.name for each in usable_projects()}
    for template in ("{{ 9**(9**(9**9)) }}", "{{ 'x' | center(10**12) }}", "{{ ''.__class__ }}"):
        project_with(tmp_path, template)
        assert {each.name for each in usable_projects()} >= others
    assert others >= {folder.name for folder in (include_dir() / "projects").iterdir() if folder.is_dir()}
