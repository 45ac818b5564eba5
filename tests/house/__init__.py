"""The house itself: settings, layout, and what deploys it."""
