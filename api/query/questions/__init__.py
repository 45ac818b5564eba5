"""The questions, a module each: its question as a model, its answer as a model, and how one leads to the other.

The SQL that a question reads lies beside its module under the same name.
"""
