"""The demo: a catalogue, people and their doings, for an installation with nothing in it yet."""
