"""Learning the joint distribution of a sample's columns, and drawing new records from it.

model = learn([Path("voip-sample.csv")])             a sample of one layout, or any CSV file
model.lines(rng, 100_000)                            bytes: records as the sample's files have them
model.lines(rng, 100_000, columns=[...])             the same, these columns only
model.draw(rng, 100_000) -> Table                    columns by the names of the sample's own columns
generate_from(out, [sample], start=..., days=7, ...)  files over days, with arrivals and incidents
"""

from datagen.learn.deliver import LearnedReport, generate_from
from datagen.learn.fit import fit, learn
from datagen.learn.model import LearnedModel

__all__ = ["LearnedModel", "LearnedReport", "fit", "generate_from", "learn"]
