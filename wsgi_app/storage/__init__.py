"""Every question asked of the database, and what answers it."""
