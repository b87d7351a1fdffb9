"""The one configuration file: its shape, its checks, and how it is loaded."""
