"""What finished runs are turned into: tables, comparisons, slim models, and the commands that make them again."""
