"""All operators, by name."""

from __future__ import annotations

from autograder.instructor.mutation import (
    mutants_expressions,
    mutants_insertions,
    mutants_statements,
    rewrites_calls,
    rewrites_names,
)
from autograder.instructor.mutation.base import Function, Operator


def _operators(*functions: Function) -> tuple[Operator, ...]:
    return tuple(Operator(function.__name__, function) for function in functions)


MUTANTS = _operators(
    mutants_statements.remove_statement,
    mutants_statements.unwrap_block,
    mutants_statements.negate_condition,
    mutants_statements.stop_loop,
    mutants_statements.move_call,
    mutants_expressions.change_number,
    mutants_expressions.change_word,
    mutants_expressions.change_sign,
    mutants_expressions.drop_argument,
    mutants_expressions.swap_arguments,
    mutants_expressions.forget_keyword,
    mutants_expressions.exchange_call,
    mutants_expressions.remove_method,
    mutants_expressions.pin_size,
    mutants_expressions.pin_device,
    mutants_expressions.pin_precision,
    mutants_insertions.set_seed,
    mutants_insertions.freeze_parameter,
    mutants_insertions.leave_flag,
    mutants_insertions.leave_network,
)
REWRITES = _operators(
    rewrites_names.rename_locals,
    rewrites_names.swap_assignments,
    rewrites_names.into_helper,
    rewrites_names.as_lambda,
    rewrites_names.hint_types,
    rewrites_calls.exchange_equal,
    rewrites_calls.as_method,
    rewrites_calls.as_function,
    rewrites_calls.name_arguments,
    rewrites_calls.shape_as_tuple,
    rewrites_calls.size_otherwise,
    rewrites_calls.move_to_device,
    rewrites_calls.draw_in_place,
    rewrites_calls.swap_factors,
    rewrites_calls.functional_loss,
    rewrites_calls.functional_activation,
    rewrites_calls.subclass_layer,
    rewrites_calls.partial_layer,
)
