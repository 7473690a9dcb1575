"""A microcontroller that speaks the same bytes as the real one, over a pty; for laptops and tests.

`python -m firmware_bridge.twin` prints the pty's path. docs/protocol.md, "Test rig", says how
it is driven.
"""
