"""What `wayfare import` is made of.

files.py       a file's records, one by one, in bounded memory: lines, CSV, Parquet, JSON arrays
plan.py        what each record becomes: an event as it is, by a mapping, or by the format of another tracker
sending.py     batches to the collector; a line that is too large is found and named
checkpoint.py  how far a file has been taken, kept beside it
judging.py     which lines were rejected, and what the first would become
"""
