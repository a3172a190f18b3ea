"""From the model to lines of the screen: pure, and the only place where foreign text becomes screen text."""
