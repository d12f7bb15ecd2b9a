// Casts between a format and text: bytes, str and StringDType, by Python's objects one element at a time.
#include <algorithm>
#include <string>

#include "dtype.hpp"

namespace halfulp::numpy {
namespace {

// No shortest decimal of a binary64 number is longer.
constexpr int longest = 32;

PyArray_Descr* native(PyArray_Descr* descr) {
  if (PyArray_ISNBO(descr->byteorder)) return reinterpret_cast<PyArray_Descr*>(Py_NewRef(descr));
  return PyArray_DescrNewByteorder(descr, NPY_NATIVE);
}

PyArray_Descr* our_instance(PyArray_DTypeMeta* meta) {
  return reinterpret_cast<PyArray_Descr*>(Py_NewRef(reinterpret_cast<Dtype*>(meta)->descr));
}

NPY_CASTING resolve_from_text(PyArrayMethodObject_tag*, PyArray_DTypeMeta* const* dtypes, PyArray_Descr* const* given,
                              PyArray_Descr** loop, npy_intp*) {
  loop[0] = native(given[0]);
  if (loop[0] == nullptr) return static_cast<NPY_CASTING>(-1);
  loop[1] = our_instance(dtypes[1]);
  return NPY_UNSAFE_CASTING;
}

NPY_CASTING resolve_to_text(PyArrayMethodObject_tag*, PyArray_DTypeMeta* const* dtypes, PyArray_Descr* const* given,
                            PyArray_Descr** loop, npy_intp*) {
  const bool fixed = dtypes[1]->type_num == NPY_STRING || dtypes[1]->type_num == NPY_UNICODE;
  const int unit = dtypes[1]->type_num == NPY_UNICODE ? 4 : 1;
  if (given[1] != nullptr) {
    loop[1] = native(given[1]);
  } else if (fixed) {
    loop[1] = PyArray_DescrNewFromType(dtypes[1]->type_num);
    if (loop[1] != nullptr) PyDataType_SET_ELSIZE(loop[1], longest * unit);
  } else {
    loop[1] = PyArray_GetDefaultDescr(dtypes[1]);
  }
  if (loop[1] == nullptr) return static_cast<NPY_CASTING>(-1);
  loop[0] = our_instance(dtypes[0]);
  return !fixed || PyDataType_ELSIZE(loop[1]) >= longest * unit ? NPY_SAFE_CASTING : NPY_SAME_KIND_CASTING;
}

int store_text(const Dtype& d, PyObject* text, char* to) {
  if (text == nullptr) return -1;
  u64 code = 0;
  const int status = code_from_text(d, text, &code);
  Py_DECREF(text);
  if (status == 0) store_code(d, code, to);
  return status;
}

PyObject* text_at(const Dtype& d, const char* from) { return text_of_code(d, load_code(d, from)); }

int from_bytes(PyArrayMethod_Context* context, char* const* data, npy_intp const* dimensions, npy_intp const* strides,
               NpyAuxData*) {
  const Dtype& d = dtype_of(context->descriptors[1]);
  const usize size = static_cast<usize>(PyDataType_ELSIZE(context->descriptors[0]));
  for (npy_intp i = 0; i < dimensions[0]; ++i) {
    const char* from = data[0] + i * strides[0];
    usize length = size;
    while (length > 0 && from[length - 1] == 0) --length;
    PyObject* text = PyUnicode_DecodeLatin1(from, static_cast<Py_ssize_t>(length), nullptr);
    if (store_text(d, text, data[1] + i * strides[1]) < 0) return -1;
  }
  return 0;
}

int from_unicode(PyArrayMethod_Context* context, char* const* data, npy_intp const* dimensions, npy_intp const* strides,
                 NpyAuxData*) {
  const Dtype& d = dtype_of(context->descriptors[1]);
  const usize size = static_cast<usize>(PyDataType_ELSIZE(context->descriptors[0])) / 4;
  std::vector<Py_UCS4> characters(size + 1);
  for (npy_intp i = 0; i < dimensions[0]; ++i) {
    std::memcpy(characters.data(), data[0] + i * strides[0], 4 * size);
    usize length = size;
    while (length > 0 && characters[length - 1] == 0) --length;
    PyObject* text =
        PyUnicode_FromKindAndData(PyUnicode_4BYTE_KIND, characters.data(), static_cast<Py_ssize_t>(length));
    if (store_text(d, text, data[1] + i * strides[1]) < 0) return -1;
  }
  return 0;
}

int to_fixed_text(PyArrayMethod_Context* context, char* const* data, npy_intp const* dimensions,
                  npy_intp const* strides, NpyAuxData*) {
  const Dtype& d = dtype_of(context->descriptors[0]);
  const usize size = static_cast<usize>(PyDataType_ELSIZE(context->descriptors[1]));
  const usize unit = context->descriptors[1]->type_num == NPY_UNICODE ? 4 : 1;
  for (npy_intp i = 0; i < dimensions[0]; ++i) {
    PyObject* text = text_at(d, data[0] + i * strides[0]);
    if (text == nullptr) return -1;
    char* to = data[1] + i * strides[1];
    std::memset(to, 0, size);
    const usize length = std::min(size / unit, static_cast<usize>(PyUnicode_GET_LENGTH(text)));
    for (usize k = 0; k < length; ++k) to[k * unit] = static_cast<char>(PyUnicode_READ_CHAR(text, k));
    Py_DECREF(text);
  }
  return 0;
}

// -- StringDType: strings live in an allocator of the descriptor's

// Calls f(allocator, element) for each, until one fails.
template <class F>
int with_strings(PyArray_Descr* descr, npy_intp n, F&& f) {
  auto* string = reinterpret_cast<PyArray_StringDTypeObject*>(descr);
  npy_string_allocator* allocator = NpyString_acquire_allocator(string);
  int status = 0;
  for (npy_intp i = 0; i < n && status == 0; ++i) status = f(allocator, i);
  NpyString_release_allocator(allocator);
  return status;
}

int from_string(PyArrayMethod_Context* context, char* const* data, npy_intp const* dimensions, npy_intp const* strides,
                NpyAuxData*) {
  const Dtype& d = dtype_of(context->descriptors[1]);
  // First all texts, then Python: no lock is held while it runs.
  std::vector<std::string> texts(static_cast<usize>(dimensions[0]));
  const int status = with_strings(context->descriptors[0], dimensions[0], [&](npy_string_allocator* all, npy_intp i) {
    npy_static_string text = {0, nullptr};
    const auto* packed = reinterpret_cast<const npy_packed_static_string*>(data[0] + i * strides[0]);
    const int found = NpyString_load(all, packed, &text);
    if (found == 0) texts[static_cast<usize>(i)].assign(text.buf, text.size);
    if (found == 1) texts[static_cast<usize>(i)] = "nan";  // a missing string
    return found < 0 ? -1 : 0;
  });
  if (status < 0) return -1;
  for (npy_intp i = 0; i < dimensions[0]; ++i) {
    const std::string& text = texts[static_cast<usize>(i)];
    PyObject* object = PyUnicode_FromStringAndSize(text.data(), static_cast<Py_ssize_t>(text.size()));
    if (store_text(d, object, data[1] + i * strides[1]) < 0) return -1;
  }
  return 0;
}

int to_string(PyArrayMethod_Context* context, char* const* data, npy_intp const* dimensions, npy_intp const* strides,
              NpyAuxData*) {
  const Dtype& d = dtype_of(context->descriptors[0]);
  std::vector<std::string> texts;
  for (npy_intp i = 0; i < dimensions[0]; ++i) {
    PyObject* text = text_at(d, data[0] + i * strides[0]);
    const char* bytes = text != nullptr ? PyUnicode_AsUTF8(text) : nullptr;
    if (bytes != nullptr) texts.emplace_back(bytes);
    Py_XDECREF(text);
    if (bytes == nullptr) return -1;
  }
  const int status = with_strings(context->descriptors[1], dimensions[0], [&](npy_string_allocator* all, npy_intp i) {
    const std::string& text = texts[static_cast<usize>(i)];
    auto* packed = reinterpret_cast<npy_packed_static_string*>(data[1] + i * strides[1]);
    return NpyString_pack(all, packed, text.data(), text.size());
  });
  if (status < 0 && !PyErr_Occurred()) PyErr_NoMemory();
  return status < 0 ? -1 : 0;
}

}  // namespace

void add_text_casts(Dtype& d, Casts* casts) {
  const auto add = [&](int type_num, PyArrayMethod_StridedLoop* from, PyArrayMethod_StridedLoop* to) {
    PyArray_Descr* descr = PyArray_DescrFromType(type_num);
    PyArray_DTypeMeta* meta = NPY_DTYPE(descr);  // builtin classes live forever
    Py_DECREF(descr);
    casts->add(meta, &d.meta, NPY_UNSAFE_CASTING, NPY_METH_REQUIRES_PYAPI,
               {{NPY_METH_resolve_descriptors, slot(resolve_from_text)}, {NPY_METH_strided_loop, slot(from)}});
    casts->add(&d.meta, meta, NPY_SAME_KIND_CASTING, NPY_METH_REQUIRES_PYAPI,
               {{NPY_METH_resolve_descriptors, slot(resolve_to_text)}, {NPY_METH_strided_loop, slot(to)}});
  };
  add(NPY_STRING, in_usual_environment<from_bytes>, in_usual_environment<to_fixed_text>);
  add(NPY_UNICODE, in_usual_environment<from_unicode>, in_usual_environment<to_fixed_text>);
  add(NPY_VSTRING, in_usual_environment<from_string>, in_usual_environment<to_string>);
}

}  // namespace halfulp::numpy
