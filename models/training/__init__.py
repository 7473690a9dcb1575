"""How the shipped model is made: data set, features, training, calibration, export, evaluation."""
