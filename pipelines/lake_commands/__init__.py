"""What ``prefail lake`` does: look at a lake, check it, compare two lists, and delete what is too old."""
