"""A worker's own namespaces on Linux: it sees its processes and its files alone, and has no rights over either.

The process that forks workers is started by ``unshare``, in a user namespace where it may mount. Each worker has in it
a namespace of processes, with a first process that supervises: with that one all end that the worker has started,
however they have left its session. The worker itself is in one more user namespace, so that it can neither unmount nor
write what was mounted for it.

Run as a script it tries all of that, and exits with 0 if the machine allows it. It imports the standard library alone.
"""

import ctypes
import json
import os
import platform
import signal
import socket
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

# https://man7.org/linux/man-pages/man2/unshare.2.html
_NEW_MOUNTS, _NEW_IPC, _NEW_USER, _NEW_PIDS = 0x0002_0000, 0x0800_0000, 0x1000_0000, 0x2000_0000
# https://man7.org/linux/man-pages/man2/mount.2.html
_READ_ONLY, _NO_SUID, _NO_DEVICES, _NO_EXEC = 1, 2, 4, 8
_REMOUNT, _BIND, _RECURSIVE, _PRIVATE = 32, 4096, 16384, 1 << 18
_DETACH = 2
_NO_NEW_PRIVILEGES = 38
# the C library has no function of it: https://man7.org/linux/man-pages/man2/pivot_root.2.html
_PIVOT_ROOT = {"x86_64": 155, "aarch64": 41, "riscv64": 41, "loongarch64": 41, "ppc64le": 203, "s390x": 217}
# programs, libraries, and what they read of the machine; no home, no place where others keep files
_SYSTEM = ("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32", "/etc", "/nix/store")
_MACHINE = ("/sys/devices/system", "/sys/fs/cgroup", "/run/systemd/resolve")
_DEVICES = ("null", "zero", "full", "random", "urandom")
_OWN = "tmp"
_HANDLES = ("pid", "mnt", "ipc")
_KERNEL_SETTINGS = ("sys", "sysrq-trigger", "irq", "bus", "fs")

MESSAGE_BYTES = 65_536
"""The size of a message between the server, the process that forks workers, and the one that makes their namespaces."""


@dataclass(frozen=True)
class View:
    """The files that a worker sees.

    Attributes:
        place: an empty directory, over which its file system is built.
        own: the directory that is its ``/tmp``, the only place that it can write.
        readable: files and directories that stay where they are and can be read, besides the system's.
        hidden: directories that are empty, wherever they are.
        imports: what can be read of those.
    """

    place: str
    own: str
    readable: Sequence[str]
    hidden: Sequence[str]
    imports: Sequence[str] = ()


@dataclass(frozen=True)
class Namespaces:
    """Those of one worker, which none is in yet but the process that supervises.

    Attributes:
        supervisor: the process that all others end with.
        handles: the namespace of processes, then the others, as file descriptors.
    """

    supervisor: int
    handles: Sequence[int]

    def fork(self, user: int, group: int) -> int:
        """Fork a process that is in these namespaces alone, as ``user``, with no rights over them.

        Returns:
            What ``os.fork`` does.

        Raises:
            OSError: if the machine does not allow it.
        """
        pids, *others = self.handles
        try:
            if (pid := _fork_into("setns", pids, _NEW_PIDS)) == 0:
                for handle in others:
                    _call("setns", handle, 0)
                os.chdir(f"/{_OWN}")
                _give_up_rights(user, group)
        finally:
            for handle in self.handles:
                os.close(handle)
        return pid


class NamespaceMaker:
    """A process that makes namespaces: a small one, since a process that has imported much is slow to fork."""

    def __init__(self, control: socket.socket | None = None) -> None:
        """Start it; what supervises tells ``control`` so, with the number of its worker as ``supervised``."""
        self._socket, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        if os.fork() == 0:
            self._socket.close()
            signal.signal(signal.SIGINT, signal.SIG_IGN)
            # the supervisors, and the orphans that they adopt, are not waited for
            signal.signal(signal.SIGCHLD, signal.SIG_IGN)
            try:
                _make_namespaces(theirs, control)
            finally:
                os._exit(0)
        theirs.close()

    def close(self) -> None:
        """Let go of the process, which ends when nobody holds it any more."""
        self._socket.close()

    def make(self, view: View, life: int, number: int = 0) -> Namespaces:
        """Namespaces with a view of the machine's files.

        Args:
            view: what is seen of them.
            life: a pipe's end that turns readable when the server is gone: then all processes in them end.
            number: that of the worker.

        Raises:
            OSError: if the machine does not allow it; the text names the call.
        """
        socket.send_fds(self._socket, [json.dumps([number, asdict(view)]).encode()], [life])
        answer: dict[str, Any] = {}
        handles: list[int] = []
        # the maker knows the process, and that one its namespaces
        while not ("supervisor" in answer and "ready" in answer):
            data, received, _, _ = socket.recv_fds(self._socket, MESSAGE_BYTES, len(_HANDLES))
            answer, handles = answer | json.loads(data or b'{"ready": "it ended", "supervisor": 0}'), handles + received
        if answer["ready"]:
            raise OSError(answer["ready"])
        return Namespaces(answer["supervisor"], handles)


def _make_namespaces(requests: socket.socket, control: socket.socket | None) -> None:
    """Make namespaces for each request, until the socket is closed."""
    while True:
        data, fds, _, _ = socket.recv_fds(requests, MESSAGE_BYTES, 1)
        if not data:
            return
        number, view = json.loads(data)
        try:
            pid = _fork_into("unshare", _NEW_PIDS)
        except OSError as error:
            requests.send(json.dumps({"supervisor": 0, "ready": _reason(error)}).encode())
            return
        if pid == 0:
            _supervise(requests, control, number, View(**view), fds[0])
            os._exit(0)
        os.close(fds[0])
        requests.send(json.dumps({"supervisor": pid}).encode())


def _supervise(requests: socket.socket, control: socket.socket | None, number: int, view: View, life: int) -> None:
    """Make the other namespaces, and wait until the server is gone: what is left in them ends with this process."""
    try:
        _enter(view)
        handles = [os.open(f"/proc/self/ns/{kind}", os.O_RDONLY) for kind in _HANDLES]
    except OSError as error:
        requests.send(json.dumps({"ready": _reason(error)}).encode())
        return
    if control:
        control.send(json.dumps({"supervised": number}).encode())
        control.close()
    socket.send_fds(requests, [json.dumps({"ready": ""}).encode()], handles)
    for handle in (requests.fileno(), *handles):
        os.close(handle)
    os.read(life, 1)


def _fork_into(call: str, *arguments: int) -> int:
    """Fork into another namespace of processes, a new one or that of a handle; returns what ``os.fork`` does."""
    here = os.open("/proc/self/ns/pid", os.O_RDONLY | os.O_CLOEXEC)
    try:
        _call(call, *arguments)
        if (pid := os.fork()) != 0:
            # what is forked next is to be elsewhere
            _call("setns", here, _NEW_PIDS)
        return pid
    finally:
        os.close(here)


def _enter(view: View) -> None:
    """Leave the machine's file system for a view of it.

    To be called by the first process of a namespace of processes.

    Raises:
        OSError: if the machine does not allow it; the text names the call.
    """
    place = Path(view.place)
    _call("unshare", _NEW_MOUNTS | _NEW_IPC)
    _mount(None, Path("/"), None, _RECURSIVE | _PRIVATE)
    _mount("tmpfs", place, "tmpfs", _NO_SUID | _NO_DEVICES, "mode=755,size=16m")
    _bind(Path(view.own), place / _OWN)
    _bind_files(place, view)
    _make_devices(place / "dev")
    (place / "proc").mkdir()
    _protect(place, place / _OWN)
    _mount("tmpfs", place / "dev/shm", "tmpfs", _NO_SUID | _NO_DEVICES, "mode=1777")
    _mount_processes(place / "proc")
    os.chdir(place)
    _pivot_root()
    _call("umount2", b".", _DETACH)
    _make_read_only(Path("/"))
    os.chdir(f"/{_OWN}")


def _bind_files(place: Path, view: View) -> None:
    bound = [path for path in map(Path, _SYSTEM) if _bind_system(place, path)]
    hidden, needed = [Path(path) for path in view.hidden], {Path(path) for path in (*_MACHINE, *view.readable)}
    shown = {path for path in needed if any(path != each and path.is_relative_to(each) for each in hidden)}
    # parents first: what is inside of one is there with it
    for path in sorted(needed - shown):
        if path.exists() and not any(path.is_relative_to(other) for other in bound):
            _bind(path, _inside(place, path))
            bound.append(path)
    for path in hidden:
        if _inside(place, path).exists():
            _mount("tmpfs", _inside(place, path), "tmpfs", _NO_SUID | _NO_DEVICES, "mode=755,size=1m")
    for path in sorted({*shown, *map(Path, view.imports)}):
        _bind(path, _inside(place, path))


def _make_devices(place: Path) -> None:
    for device in _DEVICES:
        _bind(Path("/dev", device), place / device)
    (place / "shm").mkdir()
    for name, target in {"fd": "", "stdin": "/0", "stdout": "/1", "stderr": "/2"}.items():
        (place / name).symlink_to(f"/proc/self/fd{target}")


def _mount_processes(place: Path) -> None:
    """Show the processes of the namespace, and the settings of the kernel, which a server of root's could change."""
    _mount("proc", place, "proc", _NO_SUID | _NO_DEVICES | _NO_EXEC)
    for setting in (place / name for name in _KERNEL_SETTINGS):
        if setting.exists():
            _bind(setting, setting)
            _make_read_only(setting)


def _give_up_rights(user: int, group: int) -> None:
    """Let this process be ``user`` again, with no rights over the namespaces that it is in.

    Raises:
        OSError: if the machine does not allow it.
    """
    _call("unshare", _NEW_USER)
    for file, text in (("setgroups", "deny"), ("uid_map", f"{user} 0 1"), ("gid_map", f"{group} 0 1")):
        Path("/proc/self", file).write_text(text)
    _call("prctl", _NO_NEW_PRIVILEGES, 1, 0, 0, 0)


def _inside(place: Path, path: Path) -> Path:
    return place / path.relative_to("/")


def _bind_system(place: Path, path: Path) -> bool:
    """Have a directory of the system at its place; whether it is one, and no link."""
    if path.is_symlink():
        _inside(place, path).symlink_to(path.readlink())
    elif path.is_dir():
        _bind(path, _inside(place, path))
        return True
    return False


def _bind(source: Path, target: Path) -> None:
    if source.is_dir():
        target.mkdir(parents=True, exist_ok=True)
    else:
        target.parent.mkdir(parents=True, exist_ok=True)
        target.touch()
    _mount(str(source), target, None, _BIND | _RECURSIVE)


def _protect(place: Path, writable: Path) -> None:
    """Let nothing be written into the mounts below ``place``, with those that came along, but into one."""
    for line in Path("/proc/self/mountinfo").read_text().splitlines():
        # blanks and the like are written in octal numbers
        path = Path(line.split()[4].encode().decode("unicode_escape").encode("latin-1").decode())
        if path.is_relative_to(place) and path not in {place, writable}:
            _make_read_only(path)


def _make_read_only(path: Path) -> None:
    # what was stricter before must stay so
    kept = os.statvfs(path).f_flag & (_NO_SUID | _NO_DEVICES | _NO_EXEC)
    _mount(None, path, None, _REMOUNT | _BIND | _READ_ONLY | kept)


def _mount(source: str | None, target: Path, kind: str | None, flags: int, options: str | None = None) -> None:
    encoded = [None if text is None else os.fsencode(text) for text in (source, str(target), kind, options)]
    _call("mount", *encoded[:3], ctypes.c_ulong(flags), encoded[3])


def _pivot_root() -> None:
    number = _PIVOT_ROOT.get(platform.machine())
    if number is None:
        raise OSError(f"pivot_root is not known of a machine of the kind {platform.machine()}")
    _call("syscall", ctypes.c_long(number), b".", b".")


def _call(name: str, *arguments: object) -> None:
    """Call a function of the C library that returns 0."""
    if getattr(ctypes.CDLL(None, use_errno=True), name)(*arguments) != 0:
        number = ctypes.get_errno()
        shown = [a.decode() for a in arguments if isinstance(a, bytes)]
        raise OSError(number, " ".join([name, *shown, "is refused:", os.strerror(number)]))


def _reason(error: OSError) -> str:
    return error.strerror or str(error)


def _try(user: int, group: int, **view: Any) -> int:
    """Start Python as a worker would be; its exit code."""
    life, _ = os.pipe()
    pid = NamespaceMaker().make(View(**view), life).fork(user, group)
    if pid:
        return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    return subprocess.run([sys.executable, "-I", "-S", "-c", "import json"], check=False).returncode


if __name__ == "__main__":
    try:
        sys.exit(_try(**json.loads(sys.argv[1])))
    except OSError as problem:
        sys.exit(_reason(problem))
