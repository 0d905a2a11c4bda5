"""The bench of detection: weeks of traffic with the whole incident library, what is found of it, and what could be seen."""
