"""A web application: an order and the totals that follow from it, in one transaction."""
