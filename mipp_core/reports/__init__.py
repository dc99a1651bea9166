"""What finished runs are turned into: tables, comparisons, slim networks, and the commands that make them again."""
