"""A Django project around xblock-sdk's runtime that shows labs with no LMS and no cloud."""
