"""Prints what tensorboard reads of the event files in a folder, as JSON: scalars as [step, value], steps of
pictures."""

import json
import sys

from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

events = EventAccumulator(sys.argv[1], size_guidance={"scalars": 0, "images": 0})
events.Reload()
tags = events.Tags()
print(
    json.dumps(
        {
            "scalars": {tag: [[e.step, e.value] for e in events.Scalars(tag)] for tag in tags["scalars"]},
            "images": {tag: [e.step for e in events.Images(tag)] for tag in tags["images"]},
        }
    )
)
