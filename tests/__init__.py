"""Tests are sentences, one rule each; they mirror the house."""
