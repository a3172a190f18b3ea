"""What changes the world: plan, preview, execute, record, undo. One path for the screen, the command line and CI."""
