CREATE {{ "OR REPLACE PROCEDURE" if replace else "PROCEDURE IF NOT EXISTS" }} {{ procedure }}({{ arguments }})
RETURNS VARCHAR
LANGUAGE PYTHON
RUNTIME_VERSION = {{ runtime_version|literal }}
{% if artifact_repository %}
ARTIFACT_REPOSITORY = {{ artifact_repository }}
{% endif %}
PACKAGES = ({% for package in packages %}{{ package|literal }}{{ ", " if not loop.last }}{% endfor %})
IMPORTS = ({% for file in imports %}{{ file|literal }}{{ ", " if not loop.last }}{% endfor %})
HANDLER = {{ handler|literal }}
COMMENT = {{ comment|literal }}
EXECUTE AS OWNER
