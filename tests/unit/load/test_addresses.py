import socket

from benchmarks.load.addresses import blocks_in_use, open_blocks, read_blocks_in_use

TABLE = """   sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
  100: 0101007F:13C4 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 1 2 0 0
  101: 0300057F:3E80 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 1 2 0 0
  102: 0201007F:3E80 0101027F:0000 07 00000000:00000000 00:00000000 00000000     0        0 1 2 0 0
  103: 00000000:0044 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 1 2 0 0
  104: 0509000A:0044 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 1 2 0 0
  105: 0904007F:0044 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 1 2 0 0
"""


def test_local_addresses_of_the_kernels_tables() -> None:
    # 127.0.1.1, 127.5.0.3, 127.0.1.2, any, 10.0.9.5, 127.0.4.9
    assert read_blocks_in_use(TABLE) == {1, 4}
    assert read_blocks_in_use("") == set()


def test_two_benchmarks_side_by_side_take_other_blocks() -> None:
    with open_blocks() as first, open_blocks() as second:
        taken = [first.callers, first.callees, second.callers, second.callees]
        assert len(set(taken)) == 4
        assert set(taken) <= blocks_in_use()
        assert first.caller(0) == f"127.0.{first.callers}.1"
        assert first.callee(16) == f"127.0.{first.callees}.17"


def test_a_block_in_which_somebody_is_bound_is_left_out() -> None:
    with open_blocks() as blocks:
        free = blocks.callers
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        other.bind((f"127.0.{free}.77", 0))
        with open_blocks() as blocks:
            assert free not in (blocks.callers, blocks.callees)
