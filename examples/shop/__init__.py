"""A shop that was there before: SQLAlchemy, a web server, and four dashboards added to it."""
