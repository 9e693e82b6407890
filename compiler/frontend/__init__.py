"""From the user's classes and functions to typed IR."""
