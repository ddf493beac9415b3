"""A lab in a course page: an Open edX XBlock, the gateway into the lab, and the life of its cloud stack."""

__version__ = "0.1.0"
