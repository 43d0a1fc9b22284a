"""Tables I to V and figures 4, 6 and 7 of the DG-Net paper, beside what was measured here."""
