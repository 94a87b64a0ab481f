"""This plugin has no hooks: what it provides are commands of their own, in scripts.py."""
