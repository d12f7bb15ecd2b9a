// The loops of a ufunc: strided arrays from NumPy, handed to the kernels.
#include <atomic>
#include <cinttypes>
#include <cstdio>
#include <cstring>
#include <mutex>
#include <utility>

#include "../simd/parallel.hpp"
#include "foreign.hpp"
#include "work.hpp"

namespace halfulp::numpy {
namespace {

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
  char message[256];
  std::snprintf(message, sizeof message,
                ": code 0x%" PRIX64
                " has bits above the %d bits of the format; if they are padding, pass "
                "codes & 0x%" PRIX64,
                static_cast<std::uint64_t>(code), w.decoder.bits, static_cast<std::uint64_t>(w.decoder.code_mask));
  NPY_ALLOW_C_API_DEF
  NPY_ALLOW_C_API;
  PyErr_SetString(PyExc_ValueError, (w.name + message).c_str());
  NPY_DISABLE_C_API;
}

// Calls f(start, n) for parts of an array; each returns how many of its elements it did before a bad one. The first bad
// one of all, or n.
template <class F>
usize first_bad_of(usize n, F&& f) {
  std::atomic<usize> first{n};
  in_parallel(n, [&](usize start, usize count) {
    const usize good = f(start, count);
    if (good == count) return;
    usize before = first.load(std::memory_order_relaxed);
    while (start + good < before && !first.compare_exchange_weak(before, start + good)) {
    }
  });
  return first;
}

// Codes to values; false, with an exception, if one of them is no code.
bool run_decode(const Work& w, Source source, int to_type, const Arrays& a) {
  const usize size = source_bytes(source);
  const usize first_bad = first_bad_of(a.n, [&](usize start, usize n) {
    return decode(w.decoder, static_cast<int>(size), a.in(start), a.from_stride, value_of_type(to_type), a.out(start),
                  a.to_stride, n, a.n);
  });
  if (first_bad == a.n) return true;
  raise_stray_bits(w, a.in(first_bad), size);
  return false;
}

}  // namespace

int run(const Work& w, const ElementType& from, int to_type, const Arrays& a) {
  switch (w.verb) {
    case Verb::encode:
      in_parallel(a.n, [&](usize start, usize n) {
        encode(w.encoder, from.source, a.in(start), a.from_stride, a.out(start), a.to_stride, n, a.n);
      });
      return 0;
    case Verb::round:
      in_parallel(a.n, [&](usize start, usize n) {
        round(w.encoder, w.decoder, from.source, a.in(start), a.from_stride, value_of_type(to_type), a.out(start),
              a.to_stride, n, a.n);
      });
      return 0;
    default: return run_decode(w, from.source, to_type, a) ? 0 : -1;
  }
}

namespace {

// Loops run without the GIL; PyCapsule_GetPointer only reads.
int builtin_loop(PyArrayMethod_Context* context, char* const* data, npy_intp const* dimensions, npy_intp const* strides,
                 NpyAuxData*) {
  const PyArray_Descr* const* descrs = context->descriptors;
  const Arrays arrays = {data[0], strides[0], data[1], strides[1], static_cast<usize>(dimensions[0])};
  return run(*work_of(context->caller), *element_type(descrs[0]->type_num), descrs[1]->type_num, arrays);
}

int encode_foreign_loop(PyArrayMethod_Context* context, char* const* data, npy_intp const* dimensions,
                        npy_intp const* strides, NpyAuxData*) {
  const Work& w = *work_of(context->caller);
  const ValueDecoder* from = foreign_decoder(context->descriptors[0]);
  in_parallel(static_cast<usize>(dimensions[0]), [&](usize start, usize n) {
    const isize i = static_cast<isize>(start);
    encode_codes(w.encoder, *from, data[0] + i * strides[0], strides[0], data[1] + i * strides[1], strides[1], n);
  });
  return 0;
}

int round_foreign_loop(PyArrayMethod_Context* context, char* const* data, npy_intp const* dimensions,
                       npy_intp const* strides, NpyAuxData*) {
  const Work& w = *work_of(context->caller);
  const ValueDecoder* from = foreign_decoder(context->descriptors[0]);
  const Value to = value_of_type(context->descriptors[1]->type_num);
  in_parallel(static_cast<usize>(dimensions[0]), [&](usize start, usize n) {
    const isize i = static_cast<isize>(start);
    round_codes(w.encoder, w.decoder, *from, data[0] + i * strides[0], strides[0], to, data[1] + i * strides[1],
                strides[1], n);
  });
  return 0;
}

// -- stochastic: a second operand with random integers

Numbers numbers_of(PyArray_Descr* descr, const char* from, isize stride) {
  const ElementType* type = element_type(descr->type_num);
  if (type != nullptr) return {type->source, nullptr, from, stride};
  return {Source::binary32, foreign_decoder(descr), from, stride};
}

template <class Int>
std::string as_text(const char* from) {
  Int integer;
  std::memcpy(&integer, from, sizeof(Int));
  return std::to_string(integer);
}

std::string as_text(Source source, const char* from) {
  switch (source) {
    case Source::int8: return as_text<i8>(from);
    case Source::int16: return as_text<i16>(from);
    case Source::uint16: return as_text<u16>(from);
    case Source::int32: return as_text<i32>(from);
    case Source::uint32: return as_text<u32>(from);
    case Source::int64: return as_text<i64>(from);
    case Source::uint64: return as_text<u64>(from);
    default: return as_text<u8>(from);
  }
}

void raise_bad_random(const Work& w, const RandomIntegers& r, usize index) {
  const std::string bits = std::to_string(w.encoder.random_bits);
  const std::string message = w.name + ": r = " + as_text(r.source, r.from + static_cast<isize>(index) * r.stride) +
                              " is no random integer of " + bits + " bits: 0 <= r < 2**" + bits;
  NPY_ALLOW_C_API_DEF
  NPY_ALLOW_C_API;
  PyErr_SetString(PyExc_ValueError, message.c_str());
  NPY_DISABLE_C_API;
}

int random_loop(PyArrayMethod_Context* context, char* const* data, npy_intp const* dimensions, npy_intp const* strides,
                NpyAuxData*) {
  const Work& w = *work_of(context->caller);
  const Numbers x = numbers_of(context->descriptors[0], data[0], strides[0]);
  const RandomIntegers r = {element_type(context->descriptors[1]->type_num)->source, data[1], strides[1]};
  const Value to = value_of_type(context->descriptors[2]->type_num);
  const usize n = static_cast<usize>(dimensions[0]);
  const usize good = first_bad_of(n, [&](usize start, usize count) {
    const isize i = static_cast<isize>(start);
    const Numbers from = {x.source, x.format, x.from + i * x.stride, x.stride};
    const RandomIntegers integers = {r.source, r.from + i * r.stride, r.stride};
    char* out = data[2] + i * strides[2];
    return w.verb == Verb::encode ? encode_random(w.encoder, from, integers, out, strides[2], count)
                                  : round_random(w.encoder, w.decoder, from, integers, to, out, strides[2], count);
  });
  if (good == n) return 0;
  raise_bad_random(w, r, good);
  return -1;
}

// -- adding the loops

PyArray_DTypeMeta* dtype_class(int type_num) {
  PyArray_Descr* descr = PyArray_DescrFromType(type_num);
  PyArray_DTypeMeta* meta = NPY_DTYPE(descr);  // builtin classes live forever
  Py_DECREF(descr);
  return meta;
}

int add_loop(PyObject* ufunc, PyArray_DTypeMeta** dtypes, int nin, PyArrayMethod_StridedLoop* loop) {
  PyType_Slot slots[] = {
      {NPY_METH_strided_loop, reinterpret_cast<void*>(loop)},
      {NPY_METH_unaligned_strided_loop, reinterpret_cast<void*>(loop)},
      {0, nullptr},
  };
  PyArrayMethod_Spec spec{};
  spec.name = "halfulp";
  spec.nin = nin;
  spec.nout = 1;
  spec.casting = NPY_NO_CASTING;
  spec.flags = static_cast<NPY_ARRAYMETHOD_FLAGS>(NPY_METH_SUPPORTS_UNALIGNED | NPY_METH_NO_FLOATINGPOINT_ERRORS);
  spec.dtypes = dtypes;
  spec.slots = slots;
  return PyUFunc_AddLoopFromSpec(ufunc, &spec);
}

int add_loop(PyObject* ufunc, PyArray_DTypeMeta* from, int to_type_num, PyArrayMethod_StridedLoop* loop) {
  PyArray_DTypeMeta* dtypes[] = {from, dtype_class(to_type_num)};
  return add_loop(ufunc, dtypes, 1, loop);
}

// One for each type of random integers, so that none has to be cast.
int add_random_loops(PyObject* ufunc, PyArray_DTypeMeta* from, int to_type_num) {
  for (const ElementType& random : element_types) {
    if (!random.is_integer && random.source != Source::boolean) continue;
    PyArray_DTypeMeta* dtypes[] = {from, dtype_class(random.type_num), dtype_class(to_type_num)};
    if (add_loop(ufunc, dtypes, 2, random_loop) < 0) return -1;
  }
  return 0;
}

// The type of float that holds every value of two: one of a source, one of a format.
//
// The type numbers of real floats ascend with their width, but for half, which comes last.
int wider(int own, int needed) {
  if (own == NPY_HALF) return needed;
  return needed == NPY_HALF || needed < own ? own : needed;
}

bool has_foreign_loop(Work& w, PyArray_DTypeMeta* meta) {
  const std::lock_guard<std::mutex> reading(w.reading);
  return w.foreign_types.count(meta) != 0;
}

int add_loops_from(PyObject* ufunc, const Work& w, PyArray_DTypeMeta* meta, const ValueDecoder& from) {
  const bool encodes = w.verb == Verb::encode;
  const int result = encodes ? type_num_of_codes(w.encoder.code_bytes)
                             : wider(type_of_value(from.smallest), type_of_value(w.decoder.smallest));
  if (w.takes_random()) return add_random_loops(ufunc, meta, result);
  return add_loop(ufunc, meta, result, encodes ? encode_foreign_loop : round_foreign_loop);
}

}  // namespace

int result_type(const Work& w, const ElementType& from) {
  if (w.verb == Verb::encode) return type_num_of_codes(w.encoder.code_bytes);
  if (w.verb == Verb::decode) return !from.is_integer ? -1 : w.decoder.binary32 ? NPY_FLOAT : NPY_DOUBLE;
  const int own = from.source == Source::binary16 || from.source == Source::binary32 ? from.type_num
                  : from.type_num == NPY_LONGDOUBLE                                  ? NPY_LONGDOUBLE
                                                                                     : NPY_DOUBLE;
  return wider(own, type_of_value(w.decoder.smallest));
}

int add_builtin_loops(PyObject* ufunc, const Work& w) {
  for (const ElementType& from : element_types) {
    const int to = result_type(w, from);
    if (to < 0) continue;
    PyArray_DTypeMeta* meta = dtype_class(from.type_num);
    if (w.takes_random() ? add_random_loops(ufunc, meta, to) < 0 : add_loop(ufunc, meta, to, builtin_loop) < 0)
      return -1;
  }
  return 0;
}

// Formats may be made, and ml_dtypes imported, after the ufunc: their loops are added when such an array first arrives,
// before NumPy looks for one.
//
// Other threads with such an array wait until the loop is there. They do so without the interpreter: who adds the loop
// may have to wait for them, to collect garbage for example.
int add_foreign_loop(PyObject* ufunc, PyArray_Descr* descr) {
  Work& w = *work_of(ufunc);
  if (w.verb == Verb::decode) return 0;
  const ValueDecoder* from = foreign_decoder(descr);
  PyArray_DTypeMeta* meta = NPY_DTYPE(descr);
  if (from == nullptr || has_foreign_loop(w, meta)) return 0;
  std::unique_lock<std::recursive_mutex> adding(w.adding, std::defer_lock);
  Py_BEGIN_ALLOW_THREADS;
  adding.lock();
  Py_END_ALLOW_THREADS;
  // The second: a finalizer that ran in this thread while it added the loop.
  if (has_foreign_loop(w, meta) || w.added_now == meta) return 0;
  PyArray_DTypeMeta* outer = std::exchange(w.added_now, meta);
  const int status = add_loops_from(ufunc, w, meta, *from);
  w.added_now = outer;
  const std::lock_guard<std::mutex> reading(w.reading);
  w.foreign_types.insert(meta);
  return status;
}

}  // namespace halfulp::numpy
