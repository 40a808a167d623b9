from .checks.results import loadable as loadable
from .checks.results import plain_number as plain_number
from .checks.results import whole_number as whole_number
from .checks.tensors import column as column
from .errors import GraderError as GraderError
from .errors import KeyFileError as KeyFileError
from .errors import ReplayError as ReplayError
from .errors import UnknownLabError as UnknownLabError
from .session import Lab as Lab
from .session import open_lab as open_lab

__version__: str
__all__: list[str]
