"""One exception tree; what a user can mend and what is a fault are told apart.

WayfareError
├── UserMistake        the caller's: exit code 2, HTTP 4xx
│   ├── InvalidSetting
│   ├── InvalidQuestion    with the field that is wrong
│   ├── NotFound
│   ├── Forbidden
│   └── InUse              an embedded folder that another process holds
└── Fault              ours or the machinery's: exit code 1, HTTP 5xx
    ├── StoreUnavailable   cannot be reached or did not answer in time: try again
    ├── StoreRefused       answered with an error
    ├── StoreStopped       ended, because nobody waits for the answer any more
    ├── LogUnavailable     cannot be reached or did not answer in time: try again
    │   └── SaltMissing    an id of the day cannot be made now: try again
    └── LogFull            more bytes wait than the bounded queue holds: try again later
"""


class WayfareError(Exception):
    """`code` is stable and snake_case; `field` names the part of the input that is wrong, where one is."""

    code = "error"

    def __init__(self, message: str, *, field: str = "", code: str = "") -> None:
        super().__init__(message)
        self.message, self.field = message, field
        if code:
            self.code = code


class UserMistake(WayfareError):
    """`others`: further fields of the same input that are wrong, each with what would be right."""

    code = "invalid_input"
    others: tuple[tuple[str, str], ...] = ()


class InvalidSetting(UserMistake):
    code = "invalid_setting"


class InvalidQuestion(UserMistake):
    code = "invalid_question"


class NotFound(UserMistake):
    code = "not_found"


class Forbidden(UserMistake):
    code = "forbidden"


class InUse(UserMistake):
    code = "in_use"


class Fault(WayfareError):
    code = "fault"


class StoreUnavailable(Fault):
    code = "store_unavailable"


class StoreRefused(Fault):
    code = "store_refused"


class StoreStopped(Fault):
    code = "store_stopped"


class LogUnavailable(Fault):
    code = "log_unavailable"


class SaltMissing(LogUnavailable):
    code = "salt_missing"


class LogFull(Fault):
    code = "log_full"
