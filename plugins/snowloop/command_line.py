"""How a message says which command to give: in words that a shell reads as they are meant."""

import shlex


def command(name: str, **options: object) -> str:
    """A command of ``snowloop``, to be copied into a shell.

    Args:
        name: Its name, such as ``status``.
        options: Its options by name, in order; the names of projects, targets and versions are quoted where needed.

    Returns:
        For example ``snowloop status --project churn --target prod``.
    """
    words = [word for option, value in options.items() for word in (f"--{option.replace('_', '-')}", str(value))]
    return shlex.join(["snowloop", name, *words])
