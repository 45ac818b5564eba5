"""`python -m pipeline.cli.imports.parquet FILE`: the rows of a Parquet file as lines of JSON.

A process of its own, as an embedded engine knows one folder a process, and the importing one may hold the data's.
"""

import os
import sys
from typing import Final

import chdb

# In the file's own order, so that a row's number means the same when an import goes on. Bytes that are no text do not
# make a row unreadable: what is none of UTF-8 in them becomes U+FFFD.
_READ: Final = (
    "SELECT * FROM file({file:String}, Parquet) SETTINGS max_threads = 1, input_format_parquet_preserve_order = 1,"
    " output_format_json_quote_64bit_integers = 0, date_time_output_format = 'iso',"
    " output_format_json_named_tuples_as_objects = 1, output_format_json_validate_utf8 = 1"
)


def main(file: str) -> None:
    connection = chdb.connect(":memory:")  # type: ignore[no-untyped-call]
    try:
        result = connection._conn.send_query(_READ, "JSONEachRow", params={"file": os.path.abspath(file)})
        while data := connection._conn.streaming_fetch_result(result).bytes():
            sys.stdout.buffer.write(data)
    except RuntimeError as error:
        sys.exit(str(error).splitlines()[0])
    except BrokenPipeError:  # who asked has enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    finally:
        connection.close()


if __name__ == "__main__":
    main(sys.argv[1])
