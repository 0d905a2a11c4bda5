"""How people and other systems are told: named targets, routes, templates, the queue and what sends from it."""
