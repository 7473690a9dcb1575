"""A simulated microcontroller that speaks the real one's protocol over a pty; for laptops and tests.

`python -m firmware_bridge.twin` prints the pty's path. docs/protocol.md, "Test rig", says how to drive it.
"""
