"""Pictures of games: played again from their actions, drawn, written as MP4 and GIF."""
