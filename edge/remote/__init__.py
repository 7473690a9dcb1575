"""Commands of officers on their way from the sync process to the loop, and their answers."""
