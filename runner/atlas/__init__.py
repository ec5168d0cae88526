"""What each byte of a game's RAM means, found by play and by changing bytes."""
