"""Adapters that turn a camera, a file or a folder of pictures into packets."""
