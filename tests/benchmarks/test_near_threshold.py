"""What the measurement of a threshold says, against a plain loop over all pairs."""

import numpy as np

from benchmarks.near_threshold import ENOUGH, KINDS, THRESHOLDS, _by_threshold


def test_the_shares_are_those_of_a_plain_loop():
    random = np.random.default_rng(0)
    images = random.normal(0, 1, (40, 4))
    of = np.array([3, 7, 11, 20, 31, 39])
    both = np.concatenate([images, images[of] + random.normal(0, 0.25, (6, 4))]).astype(np.float32)
    units = both / np.linalg.norm(both, axis=1)[:, None]
    kinds = np.arange(6) % len(KINDS)
    lines, advised = _by_threshold(units, of, kinds)

    enough = []
    for threshold, line in zip(THRESHOLDS, lines, strict=True):
        found, pairs = [0] * len(KINDS), 0
        for one in range(46):
            for other in range(one + 1, 46):
                if units[one] @ units[other] >= threshold:
                    pairs += 1
                    if other >= 40 and of[other - 40] == one:
                        found[kinds[other - 40]] += 1
        right = sum(found) / pairs if pairs else 1.0
        shares = [found[kind] / (kinds == kind).sum() for kind in range(len(KINDS))]
        assert np.allclose(line, [threshold, sum(found) / 6, right, *shares])
        enough += [threshold] if right >= ENOUGH else []
    assert advised == (enough[0] if enough else None)
    assert lines[0][2] < 0.5, "without pairs that are wrong this test says nothing"
