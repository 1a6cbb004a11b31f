from pathlib import Path

import pytest

from pileus.storage.errors import NetworkFileSystem
from pileus.storage.mounts import check_local, file_system


@pytest.fixture
def mounts(tmp_path):
    table = tmp_path / "mounts"
    table.write_text(
        "/dev/vda / ext4 rw 0 0\n"
        "server:/home /home nfs4 rw 0 0\n"
        "/dev/vdb /home/alice ext4 rw 0 0\n"
        "me@host: /mnt/with\\040space fuse.sshfs rw 0 0\n"
        "/dev/vdc /covered ext4 rw 0 0\n"
        "share /covered 9p rw 0 0\n"
        "portal /portal fuse.portal rw 0 0\n"
    )
    return table


class TestCheckLocal:
    @pytest.mark.parametrize("path", ["/home/bob/x.db", "/mnt/with space/x.db", "/covered/x.db"])
    def test_a_network_is_refused_and_the_path_named(self, mounts, path):
        with pytest.raises(NetworkFileSystem, match=path):
            check_local(Path(path), mounts)

    @pytest.mark.parametrize("path", ["/x.db", "/home/alice/x.db", "/homely/x.db", "/portal/x.db"])
    def test_a_disk_of_this_machine_will_do(self, mounts, path):
        check_local(Path(path), mounts)


class TestFileSystem:
    def test_is_unknown_without_a_mount_table(self, tmp_path):
        assert file_system(Path("/x.db"), tmp_path / "none") is None
