"""LBP-TOP + SVM (Pfister et al. 2011; Yan et al. 2014): the baseline of CASME II.

Sure: read in published code that rebuilds it (yuxinhe/CASME2-Micro-Expression-Database-SVM); the
authors' own settings are not known to us. P = 8, R = (1, 1), R_t = 4, 5x5 blocks, 59 bins of
uniform patterns, 4425 features, each block's histogram sums to 1; a linear SVM. The table has two
rows: on the aligned frames as they are, and on magnified ones.

Deviations: frames are aligned by the eyes as for every method here; C is chosen by leaving
training subjects out; a clip of fewer than 9 frames has a smaller R_t.
"""

from .tuned import LinearSVM

VERSION = 1  # raised when this step computes something else, see merlib.versions


class LbpTop(LinearSVM):
    """Linear SVM on the LBP-TOP histograms (N, 4425) of the view ``lbp_histograms``."""
