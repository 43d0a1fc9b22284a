"""What is stored of runs: finding them, and what each says of itself."""
