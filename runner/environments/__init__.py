"""The games: one emulator, many emulators in processes of their own, keras-rl2's view of one."""
