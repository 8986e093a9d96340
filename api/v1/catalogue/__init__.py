"""The catalogue's pages, composed from several apps: courses, and what the viewer has with them."""
