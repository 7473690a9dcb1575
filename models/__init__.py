"""The waste model: bundle, pixels, pipeline, runtime, and how it is made."""
