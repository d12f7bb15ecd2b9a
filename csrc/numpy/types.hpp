// NumPy's element types as the kernels know them.
#pragma once

#include "../simd/kernels.hpp"
#include "api.hpp"

namespace halfulp::numpy {

// One row per builtin type that a ufunc takes.
struct ElementType {
  int type_num;
  Source source;
  bool is_integer;
};

#if NPY_SIZEOF_LONGDOUBLE == NPY_SIZEOF_DOUBLE
inline constexpr Source longdouble_source = Source::binary64;
inline constexpr Value longdouble_value = Value::binary64;
#elif defined(__x86_64__) || defined(__i386__) || defined(_M_X64)
inline constexpr Source longdouble_source = Source::x87;
inline constexpr Value longdouble_value = Value::x87;
#else
inline constexpr Source longdouble_source = Source::binary128;
inline constexpr Value longdouble_value = Value::binary128;
#endif
static_assert(NPY_SIZEOF_LONGDOUBLE == NPY_SIZEOF_DOUBLE || NPY_SIZEOF_LONGDOUBLE == 16, "unknown long double");

constexpr Source integer_source(usize size, bool is_signed) {
  switch (size) {
    case 1: return is_signed ? Source::int8 : Source::uint8;
    case 2: return is_signed ? Source::int16 : Source::uint16;
    case 4: return is_signed ? Source::int32 : Source::uint32;
    default: return is_signed ? Source::int64 : Source::uint64;
  }
}

inline constexpr ElementType element_types[] = {
    {NPY_BOOL, Source::boolean, false},
    {NPY_BYTE, Source::int8, true},
    {NPY_UBYTE, Source::uint8, true},
    {NPY_SHORT, Source::int16, true},
    {NPY_USHORT, Source::uint16, true},
    {NPY_INT, integer_source(sizeof(int), true), true},
    {NPY_UINT, integer_source(sizeof(int), false), true},
    {NPY_LONG, integer_source(sizeof(long), true), true},
    {NPY_ULONG, integer_source(sizeof(long), false), true},
    {NPY_LONGLONG, integer_source(sizeof(long long), true), true},
    {NPY_ULONGLONG, integer_source(sizeof(long long), false), true},
    {NPY_HALF, Source::binary16, false},
    {NPY_FLOAT, Source::binary32, false},
    {NPY_DOUBLE, Source::binary64, false},
    {NPY_LONGDOUBLE, longdouble_source, false},
};

inline const ElementType* element_type(int type_num) {
  for (const ElementType& t : element_types) {
    if (t.type_num == type_num) return &t;
  }
  return nullptr;
}

inline int type_num_of_codes(int code_bytes) {
  switch (code_bytes) {
    case 1: return NPY_UINT8;
    case 2: return NPY_UINT16;
    case 4: return NPY_UINT32;
    default: return NPY_UINT64;
  }
}

inline int type_of_value(Value value) {
  switch (value) {
    case Value::binary16: return NPY_HALF;
    case Value::binary32: return NPY_FLOAT;
    case Value::binary64: return NPY_DOUBLE;
    default: return NPY_LONGDOUBLE;
  }
}

inline Value value_of_type(int type_num) {
  switch (type_num) {
    case NPY_HALF: return Value::binary16;
    case NPY_FLOAT: return Value::binary32;
    case NPY_DOUBLE: return Value::binary64;
    default: return longdouble_value;
  }
}

}  // namespace halfulp::numpy
