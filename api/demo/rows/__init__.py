"""Turns the demo's sources and story into rows, a module for each topic.

Everything runs inside the loader's one transaction, and nothing records events: what the demo tells
happened long ago, nobody is to be mailed about it.
"""
