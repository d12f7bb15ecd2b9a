// Real numpy.ufunc objects for one codec: encode, decode, round.
#define HALFULP_IMPORT_NUMPY
#include "ufuncs.hpp"

#include <atomic>
#include <cinttypes>
#include <cstdio>
#include <cstring>
#include <memory>
#include <mutex>
#include <set>

#include "foreign.hpp"

namespace halfulp::numpy {
namespace {

// What a ufunc computes. The ufunc owns it as `obj`: a tuple of a capsule with this, and of the Python object that made
// the ufunc and must outlive it. (A tuple, because the garbage collector sees through it.)
struct Work {
  Work(Verb v, const std::string& n, const std::string& text, const Encoder& e, const ValueDecoder& d)
      : verb(v), name(n), doc(text), encoder(e), decoder(d) {}

  Verb verb;
  std::string name;
  std::string doc;
  Encoder encoder;
  ValueDecoder decoder;
  std::mutex adding;
  std::set<int> foreign_types;  // type numbers whose loops have been added; guarded by `adding`
};

constexpr const char* capsule_name = "halfulp.ufunc";

Work* work_of(PyObject* ufunc) {
  PyObject* capsule = PyTuple_GET_ITEM(reinterpret_cast<PyUFuncObject*>(ufunc)->obj, 0);
  return static_cast<Work*>(PyCapsule_GetPointer(capsule, capsule_name));
}

// Loops run without the GIL; PyCapsule_GetPointer only reads.
int encode_loop(PyArrayMethod_Context* context, char* const* data, npy_intp const* dimensions, npy_intp const* strides,
                NpyAuxData*) {
  const Work& w = *work_of(context->caller);
  const ElementType* from = element_type(context->descriptors[0]->type_num);
  encode(w.encoder, from->source, data[0], strides[0], data[1], strides[1], static_cast<usize>(dimensions[0]));
  return 0;
}

int round_loop(PyArrayMethod_Context* context, char* const* data, npy_intp const* dimensions, npy_intp const* strides,
               NpyAuxData*) {
  const Work& w = *work_of(context->caller);
  const ElementType* from = element_type(context->descriptors[0]->type_num);
  const Value to = value_of_type(context->descriptors[1]->type_num);
  round(w.encoder, w.decoder, from->source, data[0], strides[0], to, data[1], strides[1],
        static_cast<usize>(dimensions[0]));
  return 0;
}

int encode_foreign_loop(PyArrayMethod_Context* context, char* const* data, npy_intp const* dimensions,
                        npy_intp const* strides, NpyAuxData*) {
  const Work& w = *work_of(context->caller);
  const ValueDecoder* from = foreign_decoder(context->descriptors[0]);
  encode_codes(w.encoder, *from, data[0], strides[0], data[1], strides[1], static_cast<usize>(dimensions[0]));
  return 0;
}

int round_foreign_loop(PyArrayMethod_Context* context, char* const* data, npy_intp const* dimensions,
                       npy_intp const* strides, NpyAuxData*) {
  const Work& w = *work_of(context->caller);
  const ValueDecoder* from = foreign_decoder(context->descriptors[0]);
  const Value to = value_of_type(context->descriptors[1]->type_num);
  round_codes(w.encoder, w.decoder, *from, data[0], strides[0], to, data[1], strides[1],
              static_cast<usize>(dimensions[0]));
  return 0;
}

void raise_stray_bits(const Work& w, const char* code_at, usize size) {
  u64 code = 0;
  switch (size) {
    case 1: code = *reinterpret_cast<const u8*>(code_at); break;
    case 2: {
      u16 c;
      std::memcpy(&c, code_at, 2);
      code = c;
      break;
    }
    case 4: {
      u32 c;
      std::memcpy(&c, code_at, 4);
      code = c;
      break;
    }
    default: std::memcpy(&code, code_at, 8);
  }
  const Format& f = w.decoder.format;
  const u64 mask = f.magnitude_mask() | f.sign_bit();
  char message[256];
  std::snprintf(message, sizeof message,
                ": code 0x%" PRIX64
                " has bits above the %d bits of the format; if they are padding, pass "
                "codes & 0x%" PRIX64,
                static_cast<std::uint64_t>(code), f.bits(), static_cast<std::uint64_t>(mask));
  NPY_ALLOW_C_API_DEF
  NPY_ALLOW_C_API;
  PyErr_SetString(PyExc_ValueError, (w.name + message).c_str());
  NPY_DISABLE_C_API;
}

int decode_loop(PyArrayMethod_Context* context, char* const* data, npy_intp const* dimensions, npy_intp const* strides,
                NpyAuxData*) {
  const Work& w = *work_of(context->caller);
  const usize size = source_bytes(element_type(context->descriptors[0]->type_num)->source);
  const Value to = value_of_type(context->descriptors[1]->type_num);
  const usize n = static_cast<usize>(dimensions[0]);
  const usize good = decode(w.decoder, static_cast<int>(size), data[0], strides[0], to, data[1], strides[1], n);
  if (good == n) return 0;
  raise_stray_bits(w, data[0] + static_cast<isize>(good) * strides[0], size);
  return -1;
}

PyArray_DTypeMeta* dtype_class(int type_num) {
  PyArray_Descr* descr = PyArray_DescrFromType(type_num);
  PyArray_DTypeMeta* meta = NPY_DTYPE(descr);  // builtin classes live forever
  Py_DECREF(descr);
  return meta;
}

int add_loop(PyObject* ufunc, PyArray_DTypeMeta* from, int to_type_num, PyArrayMethod_StridedLoop* loop) {
  PyArray_DTypeMeta* dtypes[] = {from, dtype_class(to_type_num)};
  PyType_Slot slots[] = {
      {NPY_METH_strided_loop, reinterpret_cast<void*>(loop)},
      {NPY_METH_unaligned_strided_loop, reinterpret_cast<void*>(loop)},
      {0, nullptr},
  };
  PyArrayMethod_Spec spec{};
  spec.name = "halfulp";
  spec.nin = 1;
  spec.nout = 1;
  spec.casting = NPY_NO_CASTING;
  spec.flags = static_cast<NPY_ARRAYMETHOD_FLAGS>(NPY_METH_SUPPORTS_UNALIGNED | NPY_METH_NO_FLOATINGPOINT_ERRORS);
  spec.dtypes = dtypes;
  spec.slots = slots;
  return PyUFunc_AddLoopFromSpec(ufunc, &spec);
}

// The smallest of NumPy's types that holds every value of a format.
int holding_type(const Format& f) {
  if (f.precision() <= 11 && f.lsb_exponent() >= -24 && f.largest_exponent() <= 15) return NPY_HALF;
  return f.fits_binary32() ? NPY_FLOAT : NPY_DOUBLE;
}

int round_type(const ElementType& from, const Format& f) {
  const int own = from.source == Source::binary16 || from.source == Source::binary32 ? from.type_num
                  : from.type_num == NPY_LONGDOUBLE                                  ? NPY_LONGDOUBLE
                                                                                     : NPY_DOUBLE;
  // The type numbers of real floats ascend with their width, but for half, which comes last.
  const int needed = holding_type(f);
  if (own == NPY_HALF) return needed;
  return needed == NPY_HALF || needed < own ? own : needed;
}

int round_type(const Format& from, const Format& f) {
  const int own = holding_type(from);
  const int needed = holding_type(f);
  if (own == NPY_HALF) return needed;
  return needed == NPY_HALF || needed < own ? own : needed;
}

int add_builtin_loops(PyObject* ufunc, const Work& w) {
  const int codes = type_num_of_codes(w.encoder.code_bytes);
  const int values = w.decoder.binary32 ? NPY_FLOAT : NPY_DOUBLE;
  for (const ElementType& from : element_types) {
    int status = 0;
    PyArray_DTypeMeta* meta = dtype_class(from.type_num);
    switch (w.verb) {
      case Verb::encode: status = add_loop(ufunc, meta, codes, encode_loop); break;
      case Verb::round: status = add_loop(ufunc, meta, round_type(from, w.encoder.format), round_loop); break;
      case Verb::decode:
        if (from.is_integer) status = add_loop(ufunc, meta, values, decode_loop);
        break;
    }
    if (status < 0) return -1;
  }
  return 0;
}

// ml_dtypes may be imported after the ufunc was made: its loops are added when such an array first arrives, before
// NumPy looks for one.
int add_foreign_loop(PyObject* ufunc, PyArray_Descr* descr) {
  Work& w = *work_of(ufunc);
  if (w.verb == Verb::decode) return 0;
  const ValueDecoder* from = foreign_decoder(descr);
  if (from == nullptr) return 0;
  {
    const std::lock_guard<std::mutex> lock(w.adding);
    if (!w.foreign_types.insert(descr->type_num).second) return 0;
  }
  const bool encodes = w.verb == Verb::encode;
  const int result = encodes ? type_num_of_codes(w.encoder.code_bytes) : round_type(from->format, w.encoder.format);
  return add_loop(ufunc, NPY_DTYPE(descr), result, encodes ? encode_foreign_loop : round_foreign_loop);
}

// The dtype of an array or NumPy scalar as a new reference; null, without an exception, for anything else.
PyArray_Descr* descr_of(PyObject* argument) {
  if (PyArray_Check(argument)) {
    PyArray_Descr* descr = PyArray_DESCR(reinterpret_cast<PyArrayObject*>(argument));
    Py_INCREF(descr);
    return descr;
  }
  if (PyObject_TypeCheck(argument, &PyGenericArrType_Type)) return PyArray_DescrFromScalar(argument);
  return nullptr;
}

// Whether the ufunc has a loop for this input, so that an error must be about something else.
bool takes(const Work& w, PyArray_Descr* descr) {
  if (descr == nullptr) return false;
  const ElementType* type = element_type(descr->type_num);
  return type != nullptr && (type->is_integer || w.verb != Verb::decode);
}

// NumPy's own message about a missing loop names no way out. (The exception that has `dtypes` is that one.)
void explain_missing_loop(const Work& w, PyObject* argument) {
  PyObject *type, *value, *traceback;
  PyErr_Fetch(&type, &value, &traceback);
  PyErr_NormalizeException(&type, &value, &traceback);
  PyArray_Descr* descr = descr_of(argument);
  if (!PyObject_HasAttrString(value, "dtypes") || takes(w, descr)) {
    Py_XDECREF(descr);
    return PyErr_Restore(type, value, traceback);
  }
  Py_XDECREF(type);
  Py_XDECREF(value);
  Py_XDECREF(traceback);
  if (descr == nullptr) descr = PyArray_DescrFromObject(argument, nullptr);
  PyErr_Clear();
  PyObject* given = descr != nullptr ? PyObject_Str(reinterpret_cast<PyObject*>(descr))
                                     : PyUnicode_FromString(Py_TYPE(argument)->tp_name);
  Py_XDECREF(descr);
  if (given == nullptr) return;
  if (w.verb == Verb::decode) {
    PyErr_Format(PyExc_TypeError,
                 "%s takes codes of an integer dtype, not %U; view other storage as unsigned integers first, as in "
                 "codes.view(np.uint8)",
                 w.name.c_str(), given);
  } else {
    PyErr_Format(PyExc_TypeError,
                 "%s takes float16, float32, float64, longdouble, integer, bool or ml_dtypes input, not %U; for Python "
                 "ints beyond 64 bits, Fractions, Decimals, strings and object arrays use halfulp.%s(x, format); for "
                 "complex numbers pass .real and .imag",
                 w.name.c_str(), given, w.verb == Verb::encode ? "encode" : "round");
  }
  Py_DECREF(given);
}

std::atomic<vectorcallfunc> numpy_vectorcall{nullptr};

PyObject* call(PyObject* self, PyObject* const* args, size_t nargsf, PyObject* kwnames) {
  const Py_ssize_t n = PyVectorcall_NARGS(nargsf);
  if (n > 0) {
    PyArray_Descr* descr = descr_of(args[0]);
    const int status = descr != nullptr && PyTypeNum_ISUSERDEF(descr->type_num) ? add_foreign_loop(self, descr) : 0;
    Py_XDECREF(descr);
    if (status < 0) return nullptr;
  }
  PyObject* result = numpy_vectorcall.load(std::memory_order_relaxed)(self, args, nargsf, kwnames);
  if (result == nullptr && n > 0 && PyErr_ExceptionMatches(PyExc_TypeError)) {
    explain_missing_loop(*work_of(self), args[0]);
  }
  return result;
}

void free_work(PyObject* capsule) { delete static_cast<Work*>(PyCapsule_GetPointer(capsule, capsule_name)); }

int set_attribute(PyObject* object, const char* attribute, const char* value) {
  PyObject* text = PyUnicode_FromString(value);
  if (text == nullptr) return -1;
  const int status = PyObject_SetAttrString(object, attribute, text);
  Py_DECREF(text);
  return status;
}

}  // namespace

int import_api() {
  if (PyArray_ImportNumPyAPI() < 0) return -1;
  return PyUFunc_ImportUFuncAPI();
}

PyObject* make_ufunc(Verb verb, const std::string& name, const std::string& doc, const Encoder& encoder,
                     const ValueDecoder& decoder, PyObject* owner) {
  auto work = std::make_unique<Work>(verb, name, doc, encoder, decoder);
  Work* w = work.get();
  PyObject* capsule = PyCapsule_New(w, capsule_name, free_work);
  if (capsule == nullptr) return nullptr;
  work.release();
  PyObject* held = PyTuple_Pack(2, capsule, owner);
  Py_DECREF(capsule);
  if (held == nullptr) return nullptr;
  PyObject* ufunc =
      PyUFunc_FromFuncAndData(nullptr, nullptr, nullptr, 0, 1, 1, PyUFunc_None, w->name.c_str(), w->doc.c_str(), 0);
  if (ufunc == nullptr) {
    Py_DECREF(held);
    return nullptr;
  }
  auto* object = reinterpret_cast<PyUFuncObject*>(ufunc);
  object->obj = held;
  numpy_vectorcall.store(object->vectorcall, std::memory_order_relaxed);
  object->vectorcall = call;
  // NumPy leaves this to its caller: without it, the cycle of ufunc and owner would never be collected.
  if (!PyObject_GC_IsTracked(ufunc)) PyObject_GC_Track(ufunc);
  // pickle finds a ufunc by its __name__ in its __module__.
  if (add_builtin_loops(ufunc, *w) < 0 || set_attribute(ufunc, "__module__", "halfulp") < 0 ||
      set_attribute(ufunc, "__qualname__", w->name.c_str()) < 0) {
    Py_DECREF(ufunc);
    return nullptr;
  }
  return ufunc;
}

}  // namespace halfulp::numpy
