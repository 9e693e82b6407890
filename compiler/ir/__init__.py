"""The intermediate representations, re-exported so that code reads ``ir.Match``."""

from stepping.compiler.ir.function import RowFunction as RowFunction
from stepping.compiler.ir.function import Source as Source
from stepping.compiler.ir.node import Node as Node
from stepping.compiler.ir.node import digest_of as digest_of
from stepping.compiler.ir.node import node as node
from stepping.compiler.ir.scalar import And as And
from stepping.compiler.ir.scalar import Call as Call
from stepping.compiler.ir.scalar import Case as Case
from stepping.compiler.ir.scalar import ColumnRef as ColumnRef
from stepping.compiler.ir.scalar import Const as Const
from stepping.compiler.ir.scalar import IsNull as IsNull
from stepping.compiler.ir.scalar import Not as Not
from stepping.compiler.ir.scalar import Or as Or
from stepping.compiler.ir.scalar import Raise as Raise
from stepping.compiler.ir.scalar import Scalar as Scalar
from stepping.compiler.ir.scalar import StructValue as StructValue
from stepping.compiler.ir.scalar import Value as Value
