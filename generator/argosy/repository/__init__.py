"""The repository of a team: its model, its layout, and the folders that it is read from."""
