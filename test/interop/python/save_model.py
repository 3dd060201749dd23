"""Saves a scikit-learn model in MLflow's format into ./model."""

import mlflow.sklearn
from sklearn.linear_model import LogisticRegression

MODEL = LogisticRegression().fit([[0.0, 0.0], [1.0, 1.0], [0.0, 1.0], [1.0, 0.0]], [0, 1, 0, 1])
mlflow.sklearn.save_model(MODEL, "model")
