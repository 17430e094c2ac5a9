"""What people write into rules and templates, evaluated within bounds."""
