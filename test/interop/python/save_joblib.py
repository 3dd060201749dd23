"""Saves a scikit-learn model as ./model.joblib."""

import joblib
from sklearn.linear_model import LogisticRegression

MODEL = LogisticRegression().fit([[0.0, 0.0], [1.0, 1.0], [0.0, 1.0], [1.0, 0.0]], [0, 1, 0, 1])
joblib.dump(MODEL, "model.joblib")
