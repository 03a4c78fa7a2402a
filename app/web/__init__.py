"""HTTP: what scripts, forecasting tools and the page read, and one of the doors events come in by.

Start at `routes.py`, the table of everything that is served; `app.py` puts it behind a port.
"""
