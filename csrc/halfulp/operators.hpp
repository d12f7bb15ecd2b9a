// The table of operations by name: which operator each is, and what it takes and gives.
#pragma once

#include "operations.hpp"

namespace halfulp {

enum class Operands : u8 { code, codes_2, codes_3, code_and_integer, integer };
enum class Results : u8 {
  code,
  codes_2,  // augmented: the result and the rest
  boolean,
  category,  // uint8, a Class
  order,     // int8
  exponent,  // int32
  integer,   // of a type that the caller names
};

struct NamedOperator {
  const char* name;
  Operator op;
  Operands operands;
  Results results;
  Extremum extremum;
  u16 set;
};

HALFULP_HD constexpr u16 one_of(int a, int b = -1, int c = -1) {
  return static_cast<u16>((1 << a) | (b < 0 ? 0 : 1 << b) | (c < 0 ? 0 : 1 << c));
}
// Of comparisons: bits of the answers for which a predicate holds.
HALFULP_HD constexpr u16 answers(int a, int b = order::unordered + 1, int c = order::unordered + 1) {
  const int none = -1;
  return one_of(a + 1, b > order::unordered ? none : b + 1, c > order::unordered ? none : c + 1);
}
HALFULP_HD constexpr u16 classes(Class a, Class b) { return one_of(static_cast<int>(a), static_cast<int>(b)); }

// Extremum: maximum, by_magnitude, number, of_2008.
// clang-format off
inline constexpr NamedOperator operators[] = {
    {"add",                Operator::add,                Operands::codes_2, Results::code, {}, 0},
    {"subtract",           Operator::subtract,           Operands::codes_2, Results::code, {}, 0},
    {"multiply",           Operator::multiply,           Operands::codes_2, Results::code, {}, 0},
    {"divide",             Operator::divide,             Operands::codes_2, Results::code, {}, 0},
    {"remainder",          Operator::remainder,          Operands::codes_2, Results::code, {}, 0},
    {"fmod",               Operator::fmod,               Operands::codes_2, Results::code, {}, 0},
    {"fma",                Operator::fma,                Operands::codes_3, Results::code, {}, 0},
    {"sqrt",               Operator::sqrt,               Operands::code,    Results::code, {}, 0},
    {"convert",            Operator::convert,            Operands::code,    Results::code, {}, 0},
    {"round_to_integral",  Operator::round_to_integral,  Operands::code,    Results::code, {}, 0},
    {"scaleb",             Operator::scaleb,    Operands::code_and_integer, Results::code, {}, 0},
    {"logb",               Operator::logb,               Operands::code,    Results::exponent, {}, 0},
    {"next_up",            Operator::next_up,            Operands::code,    Results::code, {}, 0},
    {"next_down",          Operator::next_down,          Operands::code,    Results::code, {}, 0},
    {"minimum",                  Operator::extremum, Operands::codes_2, Results::code, {false, false, false, false}, 0},
    {"maximum",                  Operator::extremum, Operands::codes_2, Results::code, {true, false, false, false}, 0},
    {"minimum_number",           Operator::extremum, Operands::codes_2, Results::code, {false, false, true, false}, 0},
    {"maximum_number",           Operator::extremum, Operands::codes_2, Results::code, {true, false, true, false}, 0},
    {"minimum_magnitude",        Operator::extremum, Operands::codes_2, Results::code, {false, true, false, false}, 0},
    {"maximum_magnitude",        Operator::extremum, Operands::codes_2, Results::code, {true, true, false, false}, 0},
    {"minimum_magnitude_number", Operator::extremum, Operands::codes_2, Results::code, {false, true, true, false}, 0},
    {"maximum_magnitude_number", Operator::extremum, Operands::codes_2, Results::code, {true, true, true, false}, 0},
    {"min_num",                  Operator::extremum, Operands::codes_2, Results::code, {false, false, true, true}, 0},
    {"max_num",                  Operator::extremum, Operands::codes_2, Results::code, {true, false, true, true}, 0},
    {"min_num_mag",              Operator::extremum, Operands::codes_2, Results::code, {false, true, true, true}, 0},
    {"max_num_mag",              Operator::extremum, Operands::codes_2, Results::code, {true, true, true, true}, 0},
    {"compare",            Operator::compare,            Operands::codes_2, Results::order, {}, 0},
    {"equal",         Operator::holds, Operands::codes_2, Results::boolean, {}, answers(order::equal)},
    {"not_equal",     Operator::holds, Operands::codes_2, Results::boolean, {},
     answers(order::less, order::greater, order::unordered)},
    {"less",          Operator::holds, Operands::codes_2, Results::boolean, {}, answers(order::less)},
    {"less_equal",    Operator::holds, Operands::codes_2, Results::boolean, {}, answers(order::less, order::equal)},
    {"greater",       Operator::holds, Operands::codes_2, Results::boolean, {}, answers(order::greater)},
    {"greater_equal", Operator::holds, Operands::codes_2, Results::boolean, {}, answers(order::greater, order::equal)},
    {"unordered",     Operator::holds, Operands::codes_2, Results::boolean, {}, answers(order::unordered)},
    {"total_order",        Operator::total_order,        Operands::codes_2, Results::boolean, {}, 0},
    {"total_order_mag",    Operator::total_order,        Operands::codes_2, Results::boolean, {false, true, false, false}, 0},
    {"class_",             Operator::class_of,           Operands::code,    Results::category, {}, 0},
    {"copy",               Operator::copy,               Operands::code,    Results::code, {}, 0},
    {"negate",             Operator::negate,             Operands::code,    Results::code, {}, 0},
    {"abs",                Operator::abs,                Operands::code,    Results::code, {}, 0},
    {"copysign",           Operator::copysign,           Operands::codes_2, Results::code, {}, 0},
    {"is_sign_minus", Operator::is, Operands::code, Results::boolean, {}, one_of(holds_sign)},
    {"is_normal",     Operator::is, Operands::code, Results::boolean, {}, classes(Class::negative_normal, Class::positive_normal)},
    {"is_finite",     Operator::is, Operands::code, Results::boolean, {}, 0x1f8},
    {"is_zero",       Operator::is, Operands::code, Results::boolean, {}, classes(Class::negative_zero, Class::positive_zero)},
    {"is_subnormal",  Operator::is, Operands::code, Results::boolean, {}, classes(Class::negative_subnormal, Class::positive_subnormal)},
    {"is_infinite",   Operator::is, Operands::code, Results::boolean, {}, classes(Class::negative_infinity, Class::positive_infinity)},
    {"is_nan",        Operator::is, Operands::code, Results::boolean, {}, classes(Class::signaling_nan, Class::quiet_nan)},
    {"is_signaling",  Operator::is, Operands::code, Results::boolean, {}, one_of(static_cast<int>(Class::signaling_nan))},
    {"is_canonical",  Operator::is, Operands::code, Results::boolean, {}, one_of(holds_always)},
    {"to_integer",         Operator::to_integer,         Operands::code,    Results::integer, {}, 0},
    {"from_integer",       Operator::from_integer,       Operands::integer, Results::code, {}, 0},
    {"augmented_add",      Operator::augmented_add,      Operands::codes_2, Results::codes_2, {}, 0},
    {"augmented_subtract", Operator::augmented_subtract, Operands::codes_2, Results::codes_2, {}, 0},
    {"augmented_multiply", Operator::augmented_multiply, Operands::codes_2, Results::codes_2, {}, 0},
};
// clang-format on

HALFULP_HD constexpr int operand_count(Operands o) {
  return o == Operands::codes_3 ? 3 : o == Operands::codes_2 || o == Operands::code_and_integer ? 2 : 1;
}

}  // namespace halfulp
