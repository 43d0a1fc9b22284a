"""Files made by strangers, read without running code from them."""
