"""The hosts: what carries batches to the agents and delivers their effects."""
