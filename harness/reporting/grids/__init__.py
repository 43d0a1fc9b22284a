"""What grids of runs found: tables VI to XI, figure 5, and the tables of our own grids."""
