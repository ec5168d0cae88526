"""Videos: games replayed from their actions, written as MP4 and GIF."""
