"""From the files users have to the one prepared form that everything else reads."""
