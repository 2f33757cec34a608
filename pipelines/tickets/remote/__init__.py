"""What trackers behind HTTP share: the door itself, credentials, and the protocol over plain issues."""
