// What a ufunc of ours computes, and what its parts ask of each other.
#pragma once

#include <mutex>
#include <set>
#include <string>

#include "types.hpp"
#include "ufuncs.hpp"

namespace halfulp::numpy {

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
  // Whether random integers are a second operand.
  bool takes_random() const { return encoder.random_bits > 0 && verb != Verb::decode; }

  // Loops for formats and for types of ml_dtypes: see add_foreign_loop.
  std::mutex reading;                          // never held while Python is called
  std::set<PyArray_DTypeMeta*> foreign_types;  // whose loops are there; guarded by `reading`
  std::recursive_mutex adding;                 // held while NumPy adds one: to be waited for without the interpreter
  PyArray_DTypeMeta* added_now = nullptr;      // guarded by `adding`
};

inline constexpr const char* capsule_name = "halfulp.ufunc";

inline Work* work_of(PyObject* ufunc) {
  PyObject* capsule = PyTuple_GET_ITEM(reinterpret_cast<PyUFuncObject*>(ufunc)->obj, 0);
  return static_cast<Work*>(PyCapsule_GetPointer(capsule, capsule_name));
}

// One array to another, strides in bytes.
struct Arrays {
  const char* from;
  isize from_stride;
  char* to;
  isize to_stride;
  usize n;

  const char* in(usize i) const { return from + static_cast<isize>(i) * from_stride; }
  char* out(usize i) const { return to + static_cast<isize>(i) * to_stride; }
};

// The type number of what comes from a builtin type; -1 if the ufunc does not take it.
int result_type(const Work& w, const ElementType& from);
// Does the work, with or without the GIL. 0, or -1 with an exception set.
int run(const Work& w, const ElementType& from, int to_type, const Arrays& arrays);

// loops.cc: the loops over arrays. 0, or -1 with an exception set.
int add_builtin_loops(PyObject* ufunc, const Work& w);
int add_foreign_loop(PyObject* ufunc, PyArray_Descr* descr);

// call.cc: makes a call of the ufunc pass through ours first.
void set_vectorcall(PyUFuncObject* ufunc);

}  // namespace halfulp::numpy
