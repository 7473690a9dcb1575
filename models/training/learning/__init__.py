"""From photos to a trained network: features, a linear head, fine-tuning, one ONNX file."""
