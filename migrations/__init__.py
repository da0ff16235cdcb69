"""Plain DDL revisions of the database; they never import the catalogue, so that a past revision cannot change."""
