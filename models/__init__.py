"""The waste model: bundle, pixels, pipeline, runtime, and how it is made."""

import os

# ONNX Runtime counts its users: on import it keeps a device's id and a database in the home folder, and
# uploads what it noted. This must be set before anything imports it.
os.environ["ORT_DISABLE_TELEMETRY"] = "1"
