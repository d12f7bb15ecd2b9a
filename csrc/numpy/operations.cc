// Ufuncs of operations: types, the loop, and exceptions as NumPy reports them.
#include "operations.hpp"

#include <numpy/npy_math.h>

#include <cfenv>
#include <cinttypes>
#include <cstdio>
#include <memory>

#include "types.hpp"

namespace halfulp::numpy {
namespace {

constexpr const char* capsule_name = "halfulp.operation";

// The integers of scaleb and from_integer, and of to_integer.
constexpr int integer_type(int bytes, bool is_signed) {
  switch (bytes) {
    case 1: return is_signed ? NPY_INT8 : NPY_UINT8;
    case 2: return is_signed ? NPY_INT16 : NPY_UINT16;
    case 4: return is_signed ? NPY_INT32 : NPY_UINT32;
    default: return is_signed ? NPY_INT64 : NPY_UINT64;
  }
}

struct Signature {
  int operands;
  int results;  // flags among them
  int types[6];
};

int result_type(const OperationUfunc& u) {
  switch (u.results) {
    case Results::boolean: return NPY_BOOL;
    case Results::category: return NPY_UINT8;
    case Results::order: return NPY_INT8;
    case Results::exponent: return NPY_INT32;
    case Results::integer:
      return integer_type(u.operation.definition.integer_bits / 8, u.operation.definition.integer_signed);
    default: return integer_type(u.result_bytes, false);
  }
}

Signature signature(const OperationUfunc& u) {
  Signature s{operand_count(u.operands), 0, {}};
  for (int i = 0; i < s.operands; ++i) s.types[i] = integer_type(u.operand_bytes[i], false);
  if (u.operands == Operands::integer) s.types[0] = integer_type(8, u.operation.definition.integer_signed);
  if (u.operands == Operands::code_and_integer) s.types[1] = NPY_INT64;
  const int codes = u.results == Results::codes_2 ? 2 : 1;
  for (int i = 0; i < codes; ++i) s.types[s.operands + s.results++] = result_type(u);
  if (u.flags) s.types[s.operands + s.results++] = NPY_UINT8;
  return s;
}

void raise_stray_bits(const OperationUfunc& u, const Column& c, const Raised& raised) {
  u64 code = 0;
  const char* at = c.data + static_cast<isize>(raised.bad) * c.stride;
  for (int byte = c.bytes; byte-- > 0;) code = code << 8 | static_cast<unsigned char>(at[byte]);
  char message[160];
  std::snprintf(message, sizeof message, ": code 0x%" PRIX64 " of operand %d has bits above the %d bits of its format",
                static_cast<std::uint64_t>(code), raised.operand + 1, u.code_bits[raised.operand]);
  NPY_ALLOW_C_API_DEF
  NPY_ALLOW_C_API;
  PyErr_SetString(PyExc_ValueError, (u.name + message).c_str());
  NPY_DISABLE_C_API;
}

const OperationUfunc& parameters_of(PyObject* ufunc) {
  PyObject* capsule = reinterpret_cast<PyUFuncObject*>(ufunc)->obj;
  return *static_cast<OperationUfunc*>(PyCapsule_GetPointer(capsule, capsule_name));
}

Columns columns(const OperationUfunc& u, const Signature& s, const PyArrayMethod_Context* context, char* const* data,
                npy_intp const* strides) {
  Columns c{};
  c.operands = s.operands;
  c.results = u.results == Results::codes_2 ? 2 : 1;
  const auto column = [&](int i) {
    const int type = s.types[i];
    const bool is_signed = type == NPY_INT8 || type == NPY_INT16 || type == NPY_INT32 || type == NPY_INT64;
    return Column{data[i], strides[i], static_cast<int>(context->descriptors[i]->elsize), is_signed};
  };
  for (int i = 0; i < s.operands; ++i) c.in[i] = column(i);
  for (int i = 0; i < c.results; ++i) c.out[i] = column(s.operands + i);
  if (u.flags) c.flags = column(s.operands + c.results);
  return c;
}

// Runs without the GIL; PyCapsule_GetPointer only reads.
int loop(PyArrayMethod_Context* context, char* const* data, npy_intp const* dimensions, npy_intp const* strides,
         NpyAuxData*) {
  const OperationUfunc& u = parameters_of(context->caller);
  const Signature s = signature(u);
  const Columns c = columns(u, s, context, data, strides);
  const usize n = static_cast<usize>(dimensions[0]);
  const Raised raised = operate(u.operation, c, n);
  if (raised.bad < n) {
    raise_stray_bits(u, c.in[raised.operand], raised);
    return -1;
  }
  if (!u.flags) raise_floating_point(raised.flags);
  return 0;
}

int add_loop(PyObject* ufunc, const OperationUfunc& u) {
  const Signature s = signature(u);
  PyArray_DTypeMeta* dtypes[6];
  for (int i = 0; i < s.operands + s.results; ++i) {
    PyArray_Descr* descr = PyArray_DescrFromType(s.types[i]);
    dtypes[i] = NPY_DTYPE(descr);  // builtin classes live forever
    Py_DECREF(descr);
  }
  PyType_Slot slots[] = {
      {NPY_METH_strided_loop, reinterpret_cast<void*>(loop)},
      {NPY_METH_unaligned_strided_loop, reinterpret_cast<void*>(loop)},
      {0, nullptr},
  };
  PyArrayMethod_Spec spec{};
  spec.name = "halfulp";
  spec.nin = s.operands;
  spec.nout = s.results;
  spec.casting = NPY_NO_CASTING;
  const int flags = NPY_METH_SUPPORTS_UNALIGNED | (u.flags ? NPY_METH_NO_FLOATINGPOINT_ERRORS : 0);
  spec.flags = static_cast<NPY_ARRAYMETHOD_FLAGS>(flags);
  spec.dtypes = dtypes;
  spec.slots = slots;
  return PyUFunc_AddLoopFromSpec(ufunc, &spec);
}

void free_parameters(PyObject* capsule) {
  delete static_cast<OperationUfunc*>(PyCapsule_GetPointer(capsule, capsule_name));
}

}  // namespace

void raise_floating_point(u8 flags) {
  int exceptions = 0;
  if ((flags & flag::invalid) != 0) exceptions |= FE_INVALID;
  if ((flags & flag::divide_by_zero) != 0) exceptions |= FE_DIVBYZERO;
  if ((flags & flag::overflow) != 0) exceptions |= FE_OVERFLOW;
  if ((flags & flag::underflow) != 0) exceptions |= FE_UNDERFLOW;
  if (exceptions != 0) std::feraiseexcept(exceptions);
}

PyObject* make_ufunc(const OperationUfunc& parameters) {
  auto owned = std::make_unique<OperationUfunc>(parameters);
  OperationUfunc* u = owned.get();
  PyObject* capsule = PyCapsule_New(u, capsule_name, free_parameters);
  if (capsule == nullptr) return nullptr;
  owned.release();
  const Signature s = signature(*u);
  PyObject* ufunc = PyUFunc_FromFuncAndData(nullptr, nullptr, nullptr, 0, s.operands, s.results, PyUFunc_None,
                                            u->name.c_str(), u->doc.c_str(), 0);
  if (ufunc == nullptr) {
    Py_DECREF(capsule);
    return nullptr;
  }
  reinterpret_cast<PyUFuncObject*>(ufunc)->obj = capsule;
  if (add_loop(ufunc, *u) < 0) {
    Py_DECREF(ufunc);
    return nullptr;
  }
  return ufunc;
}

int give_floating_point_errors(const char* name, u8 flags) {
  int errors = 0;
  if ((flags & flag::invalid) != 0) errors |= NPY_FPE_INVALID;
  if ((flags & flag::divide_by_zero) != 0) errors |= NPY_FPE_DIVIDEBYZERO;
  if ((flags & flag::overflow) != 0) errors |= NPY_FPE_OVERFLOW;
  if ((flags & flag::underflow) != 0) errors |= NPY_FPE_UNDERFLOW;
  return errors == 0 ? 0 : PyUFunc_GiveFloatingpointErrors(name, errors);
}

}  // namespace halfulp::numpy
