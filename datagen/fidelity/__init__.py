"""How like real records synthetic ones are: shapes, pairs, new rows, bounds and time.

found = compare([Path("real.csv")], [Path("synthetic/")])
found.quality, found.novelty.new, found.as_dict()
page(found)                                             the same as one HTML file
"""

from datagen.fidelity.page import page
from datagen.fidelity.report import Fidelity, compare, compare_sides

__all__ = ["Fidelity", "compare", "compare_sides", "page"]
