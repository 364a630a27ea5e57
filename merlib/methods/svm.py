"""Another simple control: a linear SVM on the same flow of the apex frame as `logistic`."""

import numpy as np
from sklearn.preprocessing import StandardScaler

from .logistic import FlowLogistic, flow_features
from .tuned import LinearSVM

VERSION = 1  # raised when this step computes something else, see merlib.versions


class FlowSVM(LinearSVM):
    """Linear support vector machine on the standardised u and v of the last frame."""

    takes = FlowLogistic.takes
    scale = StandardScaler()

    def features(self, X: np.ndarray) -> np.ndarray:
        return flow_features(X)
